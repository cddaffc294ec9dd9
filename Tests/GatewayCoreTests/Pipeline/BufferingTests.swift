import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import TelemetryTestSupport
import Testing

/// Routes that write `request_buffering` or `response_buffering`.
@Suite struct BufferingTests {
    private static let small = "_pellucid: {limits: {request_buffer_bytes: 8, response_buffer_bytes: 8}}"

    private func client(_ body: String...) throws -> FakeExchange {
        try FakeExchange("PUT", "/api", headers: [("Host", "h"), ("Transfer-Encoding", "chunked")], body: body.map { .bytes($0) }, isBodyComplete: false)
    }

    private var stale: FakeUpstream.Reply { .answer(FakeAnswer(beforeHead: [.fail(.closedBeforeResponse)], isReused: true)) }

    @Test func `a buffered body is sent whole and may be sent again`() async throws {
        let fixture = try PipelineFixture(route: "    request_buffering: true")
        let record = try await fixture.engine.serve(try self.client("one ", "two"), [self.stale, .ok()])
        #expect(record.summary == ["passed 200", "attempt: failed 0, connection_closed", "attempt: passed 200"])
        #expect(fixture.sent.map(\.body) == ["one two", "one two"])
    }

    @Test func `a body beyond the limit goes on as it comes and is not sent again`() async throws {
        let fixture = try PipelineFixture(route: "    request_buffering: true", more: Self.small)
        let record = try await fixture.engine.serve(try self.client("12345", "67890", "abc"), [self.stale, .ok()])
        #expect(record.attempts.count == 1)
        #expect(fixture.sent.map(\.body) == ["1234567890abc"])
        // Before a connection nothing is lost, the part that was read included.
        let again = try PipelineFixture(route: "    request_buffering: true", more: Self.small)
        _ = try await again.engine.serve(try self.client("12345", "67890", "abc"), [.fail(.connectRefused), .ok()])
        #expect(again.sent.map(\.body) == ["", "1234567890abc"])
    }

    @Test func `a body that says it is longer than the limit is not held at all`() async throws {
        let fixture = try PipelineFixture(route: "    request_buffering: true", more: Self.small)
        let client = try FakeExchange("PUT", "/api", body: [.bytes("123456789")], isBodyComplete: false)
        _ = try await fixture.engine.serve(client, [.ok()])
        guard case .stream(_, .length(9), let begun) = fixture.sent[0].request.body else {
            Issue.record("not streamed")
            return
        }
        #expect(begun.readableBytes == 0)
    }

    @Test func `a client that breaks off while its body is read reaches no upstream`() async throws {
        let fixture = try PipelineFixture(route: "    request_buffering: true")
        let client = try FakeExchange("PUT", "/api", headers: [("Host", "h"), ("Content-Length", "9")], body: [.bytes("12"), .fail(.timeout)], isBodyComplete: false)
        let record = try await fixture.engine.serve(client, [.ok()])
        #expect(client.status == 408)
        #expect(fixture.sent.isEmpty)
        #expect(record.attempts.isEmpty)
    }

    @Test func `without the setting bodies pass as they come`() async throws {
        let fixture = try PipelineFixture()
        _ = try await fixture.engine.serve(try self.client("one"), [.ok()])
        guard case .stream = fixture.sent[0].request.body else {
            Issue.record("buffered")
            return
        }
    }

    private static func broken(_ type: String = "text/plain", _ pieces: String...) -> FakeUpstream.Reply {
        .answer(FakeAnswer(headers: [("Content-Type", type)], body: pieces.map { .bytes($0) } + [.fail(.closedMidResponse)]))
    }

    @Test func `a buffered response that breaks off is a failure the client is told of`() async throws {
        let fixture = try PipelineFixture(route: "    response_buffering: true")
        let (client, record) = try await fixture.get(Self.broken("text/plain", "half "))
        #expect(client.status == 502)
        #expect(!client.body.contains("half"))
        #expect(record.summary.first == "failed 502 response_truncated")
        // Without it the client has the half, and a connection that ends early.
        let plain = try PipelineFixture()
        let (other, _) = try await plain.get(Self.broken("text/plain", "half "))
        #expect(other.status == 200 && other.body == "half " && other.isAborted)
    }

    @Test func `a buffered response arrives whole and beyond the limit as it comes`() async throws {
        let fixture = try PipelineFixture(route: "    response_buffering: true", more: Self.small)
        let answer = FakeAnswer(body: [.bytes("1234"), .bytes("5678"), .bytes("90")])
        let (client, _) = try await fixture.get(.answer(answer))
        #expect(client.content == ["12345678", "90"])
        #expect(client.isFinished)
    }

    @Test func `events are never held`() async throws {
        let fixture = try PipelineFixture(route: "    response_buffering: true")
        let (client, _) = try await fixture.get(.stream("one", then: .fail(.closedMidResponse)))
        #expect(client.status == 200)
        #expect(client.body.contains("one"))
    }
}
