import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct TailSamplingTests {
    private let registry = MetricRegistry()
    private let flow: EvidenceFlow
    private let loop: LoopTelemetry

    init() {
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 64)
        self.loop = self.flow.makeLoop()
    }

    /// The tail decision about one request.
    private func reason(_ tail: TailSampling?, isSampled: Bool = false, outcome: Outcome = .passed, _ record: (borrowing RequestRecord) -> Void = { _ in }) -> SamplingReason? {
        let probe = Probe()
        self.flow.setTailSampling(tail)
        self.flow.addGlobal(probe)
        let request = self.loop.begin(parent: nil, isSampled: isSampled)
        record(request)
        request.finish(outcome)
        self.flow.drainOnce()
        self.flow.remove(probe)
        return probe.reason
    }

    private final class Probe: EvidenceConsumer, @unchecked Sendable {
        // Unchecked: the test drains on its own thread.
        let name: StaticString = "probe"
        var reason: SamplingReason?
        func consume(_ evidence: RequestEvidence) { self.reason = evidence.root.tailReason }
        func tick(now: UInt64) {}
        func counts() -> DeliveryCounts { DeliveryCounts() }
        func shutdown(deadline: UInt64) {}
    }

    @Test func `what was blocked, failed or failed over is exported all the same`() {
        #expect(self.reason(TailSampling()) == nil)
        #expect(self.reason(TailSampling(), outcome: .rejected) == .blocked)
        #expect(self.reason(TailSampling(), outcome: .failed) == .failed)
        #expect(self.reason(TailSampling()) { record in record.update { root, _ in root.status = 503 } } == .failed)
        let two: (borrowing RequestRecord) -> Void = { record in
            record.openAttempt().finish(.failed)
            record.openAttempt().finish(.passed)
        }
        #expect(self.reason(TailSampling(), two) == .failedOver)
        let hedged: (borrowing RequestRecord) -> Void = { record in
            let first = record.openAttempt()
            record.openAttempt().finish(.cancelled)
            first.answers()
            first.finish(.passed)
        }
        #expect(self.reason(TailSampling(), hedged) == nil, "the first attempt answered, so nothing failed over")
        #expect(self.reason(TailSampling(keepsFailures: false), outcome: .failed, two) == nil)
        #expect(self.reason(nil, outcome: .failed) == nil)
        #expect(self.reason(TailSampling(), isSampled: true, outcome: .failed) == nil, "the head decision was yes already")
    }

    @Test func `what was slow or costly is exported when asked for`() {
        #expect(self.reason(TailSampling(keepsSlowerThan: 0)) == .slow)
        #expect(self.reason(TailSampling(keepsSlowerThan: 3_600_000_000_000)) == nil)
        let costly: (borrowing RequestRecord) -> Void = { record in
            var attempt = record.openAttempt()
            attempt.withAttempt { attempt, _ in
                attempt.hasCost = true
                attempt.cost = 0.5
            }
            attempt.finish(.passed)
        }
        #expect(self.reason(TailSampling(keepsCostlierThan: 0.4), costly) == .costly)
        #expect(self.reason(TailSampling(keepsCostlierThan: 0.5), costly) == nil)
    }

    @Test func `a caller's no stands unless configured otherwise`() {
        let refused: (borrowing RequestRecord) -> Void = { record in record.update { root, _ in root.samplingReason = .parent } }
        #expect(self.reason(TailSampling(), outcome: .failed, refused) == nil)
        #expect(self.reason(TailSampling(overridesParent: true), outcome: .failed, refused) == .failed)
    }

    @Test func `decisions are counted by reason`() {
        _ = self.reason(TailSampling(), outcome: .rejected)
        _ = self.reason(TailSampling(), isSampled: true)
        _ = self.reason(TailSampling())
        _ = self.reason(TailSampling()) { record in record.update { root, _ in root.samplingReason = .rateLimited } }
        func count(_ decision: String, _ reason: String) -> Double { self.registry.total("pellucid.sampling.decisions", where: ["decision": decision, "reason": reason]) }
        #expect(count("sampled", "blocked") == 1 && count("sampled", "ratio") == 1 && count("dropped", "ratio") == 1 && count("dropped", "rate_limited") == 1)
    }

    @Test func `a limit admits its rate and a burst of one second`() {
        let limit = TraceLimit(perSecond: 10)
        let start: UInt64 = 50_000_000_000
        #expect((0..<100).filter { _ in limit.admits(at: start) }.count == 10)
        #expect((0..<100).filter { _ in limit.admits(at: start + 500_000_000) }.count == 5)
        // Ten seconds of silence save up no more than one second's worth.
        #expect((0..<100).filter { _ in limit.admits(at: start + 10_500_000_000) }.count == 10)
        #expect((0..<100).filter { limit.admits(at: start + 20_000_000_000 + UInt64($0) * 50_000_000) }.count == 59, "10 saved up and 10 a second over 4.95 seconds")
    }
}
