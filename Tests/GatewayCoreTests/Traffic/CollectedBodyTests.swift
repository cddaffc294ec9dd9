import GatewayCore
import GatewayTestSupport
import NIOCore
import Testing

struct CollectedBodyTests {
    private func exchange(length: Int) throws -> FakeExchange {
        try FakeExchange("POST", "/", headers: [("Host", "gateway.test"), ("Content-Length", "\(length)")], body: [.bytes("one"), .bytes("two")], isBodyComplete: false)
    }

    @Test("what is announced reserves no memory beyond what may come soon")
    func reservation() async throws {
        let body = try await self.exchange(length: 1 << 30).collectBody(limit: .max)
        #expect(String(buffer: body) == "onetwo")
        #expect(body.capacity <= 4 << 20)
    }

    @Test("a body that no buffer holds is too large, where no limit is set")
    func beyondOneBuffer() async throws {
        let exchange = try self.exchange(length: 8 << 30)
        await #expect(throws: DownstreamFailure.bodyTooLarge(limit: 1 << 31)) { try await exchange.collectBody(limit: .max) }
    }
}
