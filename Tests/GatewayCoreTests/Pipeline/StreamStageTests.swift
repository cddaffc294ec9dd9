import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct StreamStageTests {
    private typealias P = PipelineFixture

    /// Sends a model request and streams these events back.
    private func stream(
        _ plugins: String..., model: String = "", events: [String], then: FakeAnswer.Step? = nil, client: FakeExchange? = nil
    ) async throws -> (client: FakeExchange, record: RecordedRequest, answer: FakeAnswer, fixture: PipelineFixture) {
        let all = [P.plugin("model-probe", model)] + plugins
        let fixture = try PipelineFixture(all.joined(separator: ", "))
        let bytes = events.map { "data: \($0)\n\n" }.joined()
        let answer = FakeAnswer(headers: [("Content-Type", "text/event-stream; charset=utf-8"), ("X-Request-Id", "req-7"), ("Set-Cookie", "a=b")], body: [.bytes(bytes)] + (then.map { [$0] } ?? []))
        let client = try client ?? FakeExchange("POST", "/api", body: [.bytes("{}")])
        return (client, try await fixture.engine.serve(client, [.answer(answer)]), answer, fixture)
    }

    private func data(_ client: FakeExchange) -> [String] {
        client.body.split(separator: "\n\n").map { String($0).replacing("data: ", with: "") }
    }

    private func stage(_ record: RecordedRequest, _ name: String = "stream-a stream") throws -> RecordedRequest.Scope {
        try #require(record.scopes.first { $0.stage == name })
    }

    // MARK: What stages add

    @Test func `a stage tells how long it kept the first event and what it added`() async throws {
        let (_, record, _, _) = try await self.stream(P.plugin("stream-a"), events: ["hold this", "double", "[DONE]"])
        let stage = try self.stage(record)
        let delay = try #require(stage.fields["pellucid.stage.first_token_delay_ns"].flatMap { Int($0) })
        #expect(delay > 0 && delay <= Int(stage.evidence.end - stage.evidence.start))
        #expect(stage.evidence.bytesDelta == Int64("double".utf8.count))
    }

    @Test func `a stage that gives nothing out adds nothing to a first token`() async throws {
        let (_, record, _, _) = try await self.stream(P.plugin("stream-a"), events: ["cut"])
        #expect(try self.stage(record).fields["pellucid.stage.first_token_delay_ns"] == nil)
        let (_, gone, _, _) = try await self.stream(P.plugin("stream-a"), events: ["gone"])
        #expect(try self.stage(gone).evidence.bytesDelta == -4)
    }

    // MARK: Without stages

    @Test func `a stream passes byte for byte and its facts are recorded`() async throws {
        let (client, record, _, fixture) = try await self.stream(events: ["model gpt-x", "hello", "stop", "usage 3 5", "[DONE]"])
        #expect(client.body == "data: model gpt-x\n\ndata: hello\n\ndata: stop\n\ndata: usage 3 5\n\ndata: [DONE]\n\n")
        #expect(client.field("set-cookie") == nil)
        #expect(client.field("x-kong-llm-model") == "fake/model-1")
        #expect(client.framing == .stream)
        let sent = try #require(fixture.sent.first)
        #expect(sent.target == "/v1/chat?key=secret")
        #expect(sent.field("authorization") == "Bearer sk")
        #expect(sent.field("accept-encoding") == "identity")
        #expect(sent.request.host == "model.test")
        let attempt = try #require(record.attempts.first)
        #expect(attempt.usage.input == 3)
        #expect(attempt.usage.output == 5)
        #expect(attempt.usage.source == .providerReported)
        #expect(attempt.cost == 13)
        #expect(attempt.hasCost)
        #expect(attempt.isStream)
        #expect(attempt.chunkCount == 5)
        #expect(attempt.firstChunkAt > 0)
        #expect(attempt.lastChunkAt >= attempt.firstChunkAt)
        let texts = record.attemptTexts[0]
        #expect([texts.provider, texts.requestModel, texts.responseModel, texts.responseID, texts.finishReasons, texts.providerRequestID] == ["fake", "model-1", "gpt-x", "id-1", "stop", "req-7"])
        #expect(!texts.path.contains("secret"))
        #expect(!record.upstreamURI.contains("secret"))
        let parameters = record.scopes.first { $0.evidence.kind == .attempt }?.fields
        #expect(parameters?["gen_ai.request.temperature"] == "0.5")
        #expect(parameters?["gen_ai.request.max_tokens"] == "77")
        #expect(record.root.outcome == .passed)
    }

    @Test func `the usage event nobody asked for is dropped and still counted`() async throws {
        let (client, record, _, _) = try await self.stream(model: "flag: true", events: ["hello", "usage 1 2", "[DONE]"])
        #expect(self.data(client) == ["hello", "[DONE]"])
        #expect(record.attempts[0].usage.total == 3)
        #expect(record.attempts[0].chunkCount == 3)
    }

    @Test func `the gap metrics of a stream are as many as its chunks after the first`() async throws {
        let (_, _, _, fixture) = try await self.stream(events: ["a", "b", "c", "d"])
        #expect(fixture.engine.registry.observations("gen_ai.client.operation.time_per_output_chunk").count == 3)
    }

    @Test func `a stream that breaks off gets an error event and an end the client can see`() async throws {
        let (client, record, _, _) = try await self.stream(events: ["hello"], then: .fail(.closedMidResponse))
        #expect(client.body.hasPrefix("data: hello\n\ndata: {\"error\":"))
        #expect(client.body.contains("response_truncated"))
        #expect(client.isAborted)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "response_truncated")
        #expect(record.attempts[0].usage.source == .partial)
        #expect(record.summary.last == "attempt: failed 200, response_truncated")
    }

    @Test func `a stream the client leaves is cancelled upstream and its usage is partial`() async throws {
        let client = try FakeExchange("POST", "/api", body: [.bytes("{}")])
        let (_, record, answer, _) = try await self.stream(events: ["hello"], then: .happens { client.leave() }, client: client)
        #expect(answer.isCancelled)
        #expect(record.root.outcome == .cancelled)
        #expect(record.errorType == "client_closed")
        #expect(record.attempts[0].usage.source == .partial)
        #expect(record.attempts[0].chunkCount == 1)
        #expect(record.scopes.last?.evidence.outcome == .cancelled)
    }

    @Test(arguments: 1...12)
    func `a stream cut anywhere reads the same`(size: Int) async throws {
        let fixture = try PipelineFixture(P.plugin("model-probe", "flag: true"), P.plugin("stream-a"))
        let bytes = Array("data: hello\n\ndata: shout this\r\n\r\n: comment\n\ndata: usage 7 9\n\ndata: [DONE]\n\n".utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { FakeAnswer.Step.bytes(String(decoding: bytes[$0..<min($0 + size, bytes.count)], as: UTF8.self)) }
        let client = try FakeExchange("POST", "/api", body: [.bytes("{}")])
        let record = try await fixture.engine.serve(client, [.answer(FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: pieces))])
        #expect(self.data(client) == ["hello", "SHOUT THIS", "[DONE]"])
        #expect(record.attempts[0].usage.input == 7)
        #expect(record.attempts[0].chunkCount == 4)
    }

    @Test func `a document is read for its facts`() async throws {
        let fixture = try PipelineFixture(P.plugin("model-probe", "note: payloads"))
        let (client, record) = try await fixture.post([.bytes("{}")], .answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("usage 4 "), .bytes("6")])))
        #expect(client.body == "usage 4 6")
        #expect(record.attempts[0].usage.total == 10)
        #expect(record.attempts[0].cost == 16)
        #expect(record.attemptTexts[0].responsePayload == "usage 4 6")
        #expect(record.attemptTexts[0].requestPayload == "{\"model\":\"model-1\"}")
    }

    @Test func `a document that stages went over is read for its facts all the same`() async throws {
        for config in ["flag: true", "", "flag: true, limit: 3"] {
            let fixture = try PipelineFixture(P.plugin("model-probe"), P.plugin("response-a", config))
            let (client, record) = try await fixture.post([.bytes("{}")], .answer(FakeAnswer(body: [.bytes("usage 4 "), .bytes("6")])))
            #expect(client.body == "usage 4 6")
            #expect(record.attempts[0].usage.total == 10)
            #expect(record.attempts[0].cost == 16)
        }
    }

    @Test func `content is recorded only when asked for`() async throws {
        let (_, record, _, _) = try await self.stream(events: ["hello"])
        #expect(record.attemptTexts[0].requestPayload.isEmpty)
        #expect(record.attemptTexts[0].responsePayload.isEmpty)
    }

    @Test func `a refused model request is passed on and costs nothing`() async throws {
        let fixture = try PipelineFixture(P.plugin("model-probe"))
        let (client, record) = try await fixture.post([.bytes("{}")], .ok("usage 4 6", status: 429))
        #expect(client.status == 429)
        #expect(record.attempts[0].usage.source == .none)
        #expect(!record.attempts[0].hasCost)
        #expect(record.summary.last == "attempt: failed 429")
    }

    @Test func `a model that cannot be reached is answered in the client's format`() async throws {
        let fixture = try PipelineFixture(P.plugin("model-probe"), service: "  retries: 0")
        let (client, record) = try await fixture.post([.bytes("{}")], .fail(.connectTimeout))
        #expect(client.status == 504)
        #expect(client.body.hasPrefix("{\"error\":{"))
        #expect(client.body.contains("\"code\":\"connect_timeout\""))
        #expect(record.attempts[0].usage.source == .none)
    }

    // MARK: With stages

    @Test func `stages that pass leave the events as they are`() async throws {
        let (client, record, _, _) = try await self.stream(P.plugin("stream-a"), P.plugin("stream-b"), events: ["one", "two", "[DONE]"])
        #expect(self.data(client) == ["one", "two", "[DONE]"])
        #expect(client.isFinished)
        for name in ["stream-a stream", "stream-b stream"] {
            let stage = try self.stage(record, name)
            #expect(stage.evidence.outcome == .passed)
            #expect(stage.evidence.verdict == .pass)
            #expect(stage.evidence.eventCount == 3)
            #expect(stage.evidence.busy <= stage.evidence.end - stage.evidence.start)
            #expect(stage.fields["probe.seen"] == "3")
        }
    }

    @Test func `a modified event goes on modified`() async throws {
        let (client, record, _, _) = try await self.stream(P.plugin("stream-a"), events: ["shout", "quiet"])
        #expect(self.data(client) == ["SHOUT", "quiet"])
        #expect(try self.stage(record).evidence.outcome == .modified)
        #expect(try self.stage(record).evidence.verdict == .modify)
    }

    @Test func `held events come at the end in their order`() async throws {
        let (client, record, _, _) = try await self.stream(P.plugin("stream-a"), events: ["hold 1", "now", "hold 2"])
        #expect(self.data(client) == ["now", "hold 1", "hold 2"])
        #expect(try self.stage(record).evidence.eventCount == 3)
    }

    @Test func `held events come before the end marker, after which no client reads on`() async throws {
        let (client, _, _, _) = try await self.stream(P.plugin("stream-a"), P.plugin("stream-b"), events: ["hold 1", "now", "[DONE]"])
        #expect(self.data(client) == ["now", "hold 1", "[DONE]"])
    }

    @Test func `what one stage holds the next one sees when it is given out`() async throws {
        let (client, record, _, _) = try await self.stream(P.plugin("stream-a"), P.plugin("stream-b"), events: ["hold shout", "now"])
        // The second stage holds it again and gives it out last.
        #expect(self.data(client) == ["now", "hold shout"])
        #expect(try self.stage(record, "stream-b stream").evidence.eventCount == 2)
    }

    @Test func `an event can become several or none`() async throws {
        let (client, record, _, _) = try await self.stream(P.plugin("stream-a"), P.plugin("stream-b"), events: ["double", "gone", "last"])
        #expect(self.data(client) == ["double", "double", "double", "double", "last"])
        #expect(try self.stage(record, "stream-a stream").evidence.eventCount == 3)
        #expect(try self.stage(record, "stream-b stream").evidence.eventCount == 3)
        #expect(try self.stage(record).evidence.outcome == .modified)
    }

    @Test func `a cut ends the stream with an error the client can read and a complete message`() async throws {
        let (client, record, answer, _) = try await self.stream(P.plugin("stream-a"), P.plugin("stream-b"), events: ["one", "cut here", "never"])
        #expect(client.body.hasPrefix("data: one\n\ndata: {\"error\":{\"message\":\"that was enough\""))
        #expect(!client.body.contains("never"))
        #expect(client.isFinished)
        #expect(!client.isAborted)
        #expect(answer.isCancelled)
        #expect(record.root.outcome == .rejected)
        #expect(record.errorType == "stream_cut")
        #expect(record.attempts[0].usage.source == .partial)
        let stage = try self.stage(record)
        #expect(stage.evidence.outcome == .rejected)
        #expect(stage.evidence.verdict == .reject)
        #expect(stage.evidence.action == .stop)
        #expect(stage.errorType == "stream_cut")
    }

    @Test func `the stages that did not cut are not blamed`() async throws {
        let (_, record, _, _) = try await self.stream(P.plugin("stream-a"), P.plugin("stream-b"), events: ["one", "cut here"])
        let other = try self.stage(record, "stream-b stream")
        #expect(other.evidence.outcome == .passed)
        #expect(other.evidence.verdict == .pass)
        #expect(other.errorType.isEmpty)
    }

    @Test func `a stage that fails ends the stream as failed`() async throws {
        let (client, record, answer, _) = try await self.stream(P.plugin("stream-a"), events: ["one", "fail now", "never"])
        #expect(client.body.contains("\"code\":\"stream_failed\""))
        #expect(!client.body.contains("never"))
        #expect(answer.isCancelled)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "stream_failed")
        #expect(try self.stage(record).evidence.outcome == .failed)
        #expect(try self.stage(record).errorType == "stream_failed")
    }

    @Test func `a stage that fails at the end ends the stream as failed`() async throws {
        let (client, record, _, _) = try await self.stream(P.plugin("stream-a", "flag: true"), events: ["one"])
        #expect(client.body.contains("finish_failed"))
        #expect(record.root.outcome == .failed)
        #expect(try self.stage(record).evidence.outcome == .failed)
    }

    @Test(arguments: ["cut", "fail", "hold", "double", "gone", "shout"])
    func `in shadow mode every event passes as it came`(word: String) async throws {
        let (client, record, _, _) = try await self.stream("{name: stream-a, _pellucid: {mode: shadow}}", events: ["one", word, "two"])
        #expect(self.data(client) == ["one", word, "two"])
        #expect(record.root.outcome == .passed)
        #expect(try self.stage(record).mode == .shadow)
        #expect(try self.stage(record).evidence.outcome == (word == "fail" ? .failed : .passed))
        let action: StageAction = ["double", "gone", "shout"].contains(word) ? .wouldModify : word == "cut" ? .wouldBlock : .continue
        #expect(try self.stage(record).evidence.action == action)
        #expect(try self.stage(record).evidence.eventCount == 3)
    }

    @Test func `in shadow mode the stage's judgement is still recorded`() async throws {
        let (_, record, _, _) = try await self.stream("{name: stream-a, _pellucid: {mode: shadow}}", events: ["cut here"])
        #expect(try self.stage(record).errorType == "stream_cut")
        #expect(try self.stage(record).evidence.verdict == .reject)
        #expect(try self.stage(record).evidence.action == .wouldBlock)
    }

    @Test func `a stage that fails at the end in shadow mode changes nothing`() async throws {
        let (client, record, _, _) = try await self.stream("{name: stream-a, config: {flag: true}, _pellucid: {mode: shadow}}", events: ["one"])
        #expect(self.data(client) == ["one"])
        #expect(record.root.outcome == .passed)
        #expect(client.isFinished)
    }

    @Test func `when the upstream breaks off the open stages end with the request`() async throws {
        let (_, record, _, _) = try await self.stream(P.plugin("stream-a"), events: ["one"], then: .fail(.readTimeout))
        #expect(try self.stage(record).evidence.outcome == .cancelled)
        #expect(try self.stage(record).evidence.action == .stop)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "read_timeout")
    }

    @Test func `when the client leaves the open stages are cancelled`() async throws {
        let client = try FakeExchange("POST", "/api", body: [.bytes("{}")])
        let (_, record, _, _) = try await self.stream(P.plugin("stream-a"), events: ["one"], then: .happens { client.leave() }, client: client)
        #expect(try self.stage(record).evidence.outcome == .cancelled)
        #expect(record.root.outcome == .cancelled)
    }

    @Test func `stages see a stream without the usage event that is dropped`() async throws {
        let (client, record, _, _) = try await self.stream(P.plugin("stream-a"), model: "flag: true", events: ["one", "usage 1 2"])
        #expect(self.data(client) == ["one"])
        #expect(try self.stage(record).evidence.eventCount == 1)
        #expect(record.attempts[0].usage.total == 3)
    }
}
