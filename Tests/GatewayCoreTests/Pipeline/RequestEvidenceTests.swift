import GatewayCore
import GatewayTestSupport
import GatewayWire
import Telemetry
import TelemetryTestSupport
import Testing

/// What the engine records of a request as a whole.
@Suite struct RequestEvidenceTests {
    private typealias P = PipelineFixture

    private func refuse(_ fixture: PipelineFixture) throws -> RecordedRequest {
        let connection = try FakeExchange("GET", "/").connection
        _ = fixture.engine.engine.refuse(.malformed(.chunkSizeInvalid), connection: connection, startedAt: 0, receivedBytes: 3, on: fixture.engine.loop)
        return try #require(fixture.engine.requests.last)
    }

    // MARK: The configuration

    @Test func `what has no route or cannot be read ran under a configuration all the same`() async throws {
        let fixture = try PipelineFixture()
        let hash = fixture.engine.snapshot.hash
        #expect(!hash.isEmpty)
        #expect(try await fixture.get(.ok()).record.configurationHash == hash)
        #expect(try await fixture.get(target: "/nowhere").record.configurationHash == hash)
        #expect(try self.refuse(fixture).configurationHash == hash)
    }

    @Test(arguments: [0, 1]) func `what cannot be read is sampled like everything else`(ratio: Int) throws {
        let fixture = try PipelineFixture(more: "_pellucid: {sampling: {ratio: \(ratio)}}")
        #expect(try self.refuse(fixture).root.isSampled == (ratio == 1))
    }

    // MARK: The upstream's time

    @Test func `an attempt ends with its answer and not with the stages that read it`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "act: modify, note: end, flag: true"))
        let (_, record) = try await fixture.get(.ok())
        let attempt = try #require(record.scopes.first { $0.evidence.kind == .attempt }?.evidence)
        let stage = try #require(record.scopes.first { $0.stage == "response-a response" }?.evidence)
        #expect(attempt.end <= stage.start)
        #expect(attempt.start < attempt.end && attempt.busy == attempt.end - attempt.start)
        #expect(record.root.upstreamNanoseconds <= attempt.end - record.root.startMonotonic)
    }

    @Test func `each attempt has its own end`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "flag: true"))
        _ = try await fixture.get(.ok())
        let (_, record) = try await fixture.get(.fail(.connectRefused), .ok())
        let ends = record.scopes.filter { $0.evidence.kind == .attempt }.map(\.evidence)
        #expect(ends.count == 2 && ends[0].end <= ends[1].start && ends[1].end > ends[1].start)
        #expect(record.upstreamURI == "http://origin.test:8080/base/x")
    }

    // MARK: The first content

    /// Streams two events, the second one at `second` or later.
    private func stream(_ plugins: String..., first: String) async throws -> (record: RecordedRequest, second: UInt64, fixture: PipelineFixture) {
        let fixture = try PipelineFixture(([P.plugin("model-probe")] + plugins).joined(separator: ", "))
        var second: UInt64 = 0
        let answer = FakeAnswer(
            headers: [("Content-Type", "text/event-stream")], body: [.bytes("data: \(first)\n\n"), .happens { second = MonotonicClock.now() }, .bytes("data: two\n\n")])
        let record = try await fixture.engine.serve(try FakeExchange("POST", "/api", body: [.bytes("{}")]), [.answer(answer)])
        return (record, second, fixture)
    }

    @Test func `without stages the first content is handed over when it comes`() async throws {
        let (record, second, _) = try await self.stream(first: "one")
        #expect(record.root.firstContentAt == record.attempts[0].firstChunkAt)
        #expect(record.root.firstContentAt < second)
    }

    @Test func `content that a stage holds back is handed over when the stage lets it go`() async throws {
        let (record, second, fixture) = try await self.stream(P.plugin("stream-a"), first: "hold this")
        #expect(record.attempts[0].firstChunkAt < second)
        #expect(record.root.firstContentAt > second)
        let first = fixture.engine.registry.observations("gen_ai.server.time_to_first_token")
        #expect(first == (1, Double(record.root.firstContentAt - record.root.startMonotonic) / 1e9))
    }

    @Test func `the upstream's time ends before what stages hold is judged`() async throws {
        let (record, _, _) = try await self.stream(P.plugin("stream-a"), first: "hold this")
        let attempt = try #require(record.scopes.first { $0.evidence.kind == .attempt }?.evidence)
        let stage = try #require(record.scopes.first { $0.stage == "stream-a stream" }?.evidence)
        #expect(attempt.end < stage.end)
    }

    // MARK: tracestate

    private static let valid = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

    @Test(arguments: [nil, "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "garbage"] as [String?])
    func `a trace state without a trace goes no further`(parent: String?) async throws {
        let fixture = try PipelineFixture()
        let (_, record) = try await fixture.get(headers: (parent.map { [("traceparent", $0)] } ?? []) + [("tracestate", "vendor=1")], .ok())
        #expect(record.root.parentSpanID == 0)
        #expect(record.root.traceState.isEmpty)
        #expect(fixture.sent[0].field("tracestate") == nil)
    }

    @Test func `a joined trace keeps its state, of which several lines are one list`() async throws {
        let fixture = try PipelineFixture()
        let (_, one) = try await fixture.get(headers: [Self.valid, ("tracestate", "vendor=1")], .ok())
        #expect(one.root.traceState.count == "vendor=1".utf8.count)
        #expect(fixture.sent[0].field("tracestate") == "vendor=1")
        var text = ""
        let probe = StateProbe { text = $0 }
        fixture.engine.flow.addGlobal(probe)
        _ = try await fixture.get(headers: [Self.valid, ("tracestate", "a=1"), ("tracestate", "b=2")], .ok())
        #expect(text == "a=1,b=2")
        #expect(fixture.sent[1].values("tracestate") == ["a=1", "b=2"])
    }
}

/// Shows each request's trace state while its evidence is valid.
private final class StateProbe: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: the test drains on its own thread.
    let name: StaticString = "state-probe"
    private let see: (String) -> Void

    init(_ see: @escaping (String) -> Void) { self.see = see }
    func consume(_ evidence: RequestEvidence) { self.see(evidence.string(of: evidence.root.traceState)) }
    func tick(now: UInt64) {}
    func counts() -> DeliveryCounts { DeliveryCounts() }
    func shutdown(deadline: UInt64) {}
}
