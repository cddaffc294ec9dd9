import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

/// What is recorded of a race that its first attempt wins, although the second one was begun last.
@Suite struct HedgedEvidenceTests {
    /// Answers the first request once a second one has come, and that one never.
    private final class Upstream: UpstreamTransport {
        let asked = Atomic<Int>(0)

        func send(_ request: borrowing UpstreamRequest) async throws(UpstreamFailure) -> any UpstreamExchange {
            let number = self.asked.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
            return Exchange(self, isWinner: number == 1)
        }
    }

    private final class Exchange: UpstreamExchange {
        let upstream: Upstream
        let isWinner: Bool
        let isCancelled = Atomic<Bool>(false)
        let isRead = Atomic<Bool>(false)

        init(_ upstream: Upstream, isWinner: Bool) {
            self.upstream = upstream
            self.isWinner = isWinner
        }

        let isConnectionReused = false
        let peerAddress = "203.0.113.5"
        let connectedAt: UInt64 = 1
        let sentAt: UInt64 = 1
        let requestBytes = 1
        let responseBytes = 1
        var trailers: HTTPFields? { nil }

        func readHead() async throws(UpstreamFailure) -> HTTPResponseHead {
            while !self.isCancelled.load(ordering: .relaxed) {
                if self.isWinner, self.upstream.asked.load(ordering: .relaxed) > 1 {
                    return HTTPResponseHead(status: 200, fields: HTTPText.fields([("Content-Type", "application/json")]), framing: .length(2))
                }
                // Ended early only by a race that is over, which cancels this exchange as well.
                try? await Task.sleep(nanoseconds: 1_000_000)
            }
            throw .cancelled
        }

        func readBody() async throws(UpstreamFailure) -> ByteBuffer? { self.isRead.exchange(true, ordering: .relaxed) ? nil : ByteBuffer(string: "{}") }
        func pollBody() throws(UpstreamFailure) -> BodyPoll { self.isRead.exchange(true, ordering: .relaxed) ? .end : .bytes(ByteBuffer(string: "{}")) }
        func cancel() { self.isCancelled.store(true, ordering: .relaxed) }
    }

    @Test func `a race that the first attempt wins is told with that attempt`() async throws {
        let fixture = try AdvancedFixture(["openai/a", "openai/b"], own: "hedge: {delay: 1, percent: 100}")
        let loop = LoopContext(telemetry: fixture.engine.flow.makeLoop(identifiers: IdentifierGenerator(seed: 3)), upstream: Upstream())
        loop.dateField = "Sun, 06 Nov 1994 08:49:37 GMT"
        let client = try FakeExchange("POST", "/chat", headers: [("Host", "gateway.test"), ("Content-Type", "application/json")], body: [.bytes(AdvancedFixture.chat)])
        await fixture.engine.engine.handle(client, on: loop)
        let record = try #require(fixture.engine.requests.last)
        #expect(client.status == 200)
        #expect(record.attemptFields.map { $0["pellucid.balancer.hedge"] } == ["won", "lost"])
        #expect(record.root.answeringAttempt(of: record.attempts.count) == 0)
        #expect(record.upstreamURI.contains(record.attemptTexts[0].serverAddress))
        #expect(record.scopes.filter { $0.evidence.kind == .attempt }.map(\.evidence.outcome) == [.passed, .cancelled])
    }
}
