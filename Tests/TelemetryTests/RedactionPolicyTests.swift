import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct RedactionPolicyTests {
    private let flow = EvidenceFlow(registry: MetricRegistry(), ringCapacity: 64)

    /// What a consumer of this name sees.
    private final class Probe: EvidenceConsumer, @unchecked Sendable {
        // Unchecked: the test drains on its own thread.
        let name: StaticString
        var client = ""
        var headers = ""
        var payload = ""
        var consumer: String?
        var keys: [String] = []
        var generation: UInt32 = 0

        init(_ name: StaticString) { self.name = name }

        func consume(_ evidence: RequestEvidence) {
            self.client = evidence.string(of: evidence.root.clientAddress)
            self.headers = evidence.string(of: evidence.root.requestHeaders).replacing("\0", with: "|")
            self.payload = evidence.attempts.first.map { evidence.string(of: $0.requestPayload) } ?? ""
            self.consumer = evidence.consumer?.name
            self.keys = []
            for scope in evidence.scopes { evidence.forEachAttribute(of: scope) { key, _ in self.keys.append("\(key)") } }
            self.generation = evidence.redactionGeneration
        }

        func tick(now: UInt64) {}
        func counts() -> DeliveryCounts { DeliveryCounts() }
        func shutdown(deadline: UInt64) {}
    }

    /// Sends one request past consumers of these names under the policies.
    private func see(_ policies: RedactionPolicies, _ names: StaticString...) -> [Probe] {
        let probes = names.map { Probe($0) }
        let loop = self.flow.makeLoop()
        self.flow.setRedaction(policies)
        for probe in probes { self.flow.addGlobal(probe) }
        let record = loop.begin(parent: nil, isSampled: true)
        record.update { root, evidence in
            root.clientAddress = evidence.text("192.0.2.7")
            root.requestHeaders = evidence.pairs { add in
                for (name, value) in [("Host", "h"), ("X-Forwarded-For", "10.1.1.1"), ("X-Team", "red")] {
                    var (name, value) = (name, value)
                    name.withUTF8 { name in value.withUTF8 { value in add(UnsafeRawBufferPointer(name), UnsafeRawBufferPointer(value)) } }
                }
            }
        }
        record.authenticated(ConsumerIdentity(id: "c1", name: "alice", auditJSON: []))
        var stage = record.openStage(StageIdentity(plugin: "p", phase: .request))
        stage.set("pellucid.p.first", .int(1))
        stage.set("pellucid.p.second", .int(2))
        stage.set("pellucid.q.third", .int(3))
        stage.finish(.passed)
        var attempt = record.openAttempt()
        attempt.withAttempt { attempt, evidence in attempt.requestPayload = evidence.text("my number is 42") }
        attempt.finish(.passed)
        record.finish(.passed)
        self.flow.drainOnce()
        for probe in probes { self.flow.remove(probe) }
        return probes
    }

    @Test func `nothing is taken out without rules`() {
        let probe = self.see(RedactionPolicies(), "audit")[0]
        #expect(probe.client == "192.0.2.7" && probe.consumer == "alice" && probe.payload == "my number is 42" && probe.keys.count == 3)
        #expect(probe.headers == "Host|h|X-Forwarded-For|10.1.1.1|X-Team|red|")
    }

    @Test func `parts, headers and fields are taken out of everything`() {
        var policies = RedactionPolicies()
        policies.base.parts = [.clientAddress, .consumer]
        policies.base.headers = ["x-team"]
        policies.base.fields = ["pellucid.p.*"]
        for probe in self.see(policies, "audit", "otlp") {
            #expect(probe.client.isEmpty && probe.consumer == nil)
            #expect(probe.headers == "Host|h|", "the address stands in X-Forwarded-For too")
            #expect(probe.keys == ["pellucid.q.third"])
        }
    }

    @Test func `payloads are removed, hashed or masked`() {
        var policies = RedactionPolicies()
        policies.base.payloads = .remove
        #expect(self.see(policies, "audit")[0].payload.isEmpty)
        policies.base.payloads = .hmac
        #expect(self.see(policies, "audit")[0].payload.isEmpty, "without a hash nothing is shown")
        policies.base.hash = { "hash of \($0.count)" }
        #expect(self.see(policies, "audit")[0].payload == "hash of 15")
        policies.base.payloads = .keep
        policies.base.mask = { $0.map { (0x30...0x39).contains($0) ? 0x2a : $0 } }
        #expect(self.see(policies, "audit")[0].payload == "my number is **")
    }

    @Test func `a consumer's own rules take nothing from the others`() {
        var policies = RedactionPolicies()
        var own = RedactionPolicy()
        own.parts = [.clientAddress, .consumer]
        own.fields = ["pellucid.p.first", "pellucid.q.third"]
        own.payloads = .remove
        policies.consumers["otlp"] = own
        let probes = self.see(policies, "audit", "otlp", "file-log")
        for probe in [probes[0], probes[2]] {
            #expect(probe.client == "192.0.2.7" && probe.consumer == "alice" && probe.payload == "my number is 42" && probe.keys.count == 3)
        }
        #expect(probes[1].client.isEmpty && probes[1].consumer == nil && probes[1].payload.isEmpty && probes[1].keys == ["pellucid.p.second"])
        #expect(Set(probes.map(\.generation)).count == 3, "what was encoded for one must not be taken for another")
    }
}
