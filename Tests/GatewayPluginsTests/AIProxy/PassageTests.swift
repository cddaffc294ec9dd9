import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// Operations that are OpenAI's alone.
@Suite struct PassageTests {
    private func send(
        _ route: String, _ target: String, method: String = "POST", type: String? = "application/json", body: [FakeExchange.Step]? = nil, isBodyComplete: Bool = true,
        model: String = "{provider: openai, name: m-1}", answer: FakeAnswer? = nil, options: String = ""
    ) async throws -> (client: FakeExchange, sent: FakeUpstream.Sent?, record: RecordedRequest) {
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/x]\(options), plugins: [{name: ai-proxy, config: {route_type: \(route), model: \(model), auth: {header_name: Authorization, header_value: Bearer sk}}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let headers = [("Host", "g"), ("Authorization", "Bearer client")] + (type.map { [("Content-Type", $0)] } ?? [])
        let exchange = try FakeExchange(method, target, headers: headers, body: body, isBodyComplete: isBodyComplete)
        let record = try await engine.serve(exchange, [.answer(answer ?? FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        return (exchange, engine.upstream.sent.first, record)
    }

    @Test(arguments: [
        ("llm/v1/responses", "/v1/responses"), ("llm/v1/assistants", "/v1/assistants"), ("llm/v1/files", "/v1/files"), ("llm/v1/batches", "/v1/batches"),
        ("audio/v1/audio/speech", "/v1/audio/speech"), ("audio/v1/audio/transcriptions", "/v1/audio/transcriptions"), ("audio/v1/audio/translations", "/v1/audio/translations"),
        ("image/v1/images/generations", "/v1/images/generations"), ("image/v1/images/edits", "/v1/images/edits"), ("video/v1/videos/generations", "/v1/videos"),
    ])
    func `every route type has its path and a JSON body its model`(route: String, path: String) async throws {
        let (client, sent, record) = try await self.send(route, "/x\(path)", body: [.bytes(#"{"input" : "x"}"#)])
        #expect(client.status == 200)
        #expect(sent?.target == path)
        #expect(sent?.values("authorization") == ["Bearer sk"])
        let isNamed = route != "llm/v1/files" && route != "llm/v1/batches"
        #expect(sent?.body == (isNamed ? #"{"input" : "x","model":"m-1"}"# : #"{"input" : "x"}"#))
        #expect(record.attempts.count == 1)
    }

    @Test(arguments: ["llm/v1/chat", "llm/v1/responses"])
    func `a provider that switches protocols unasked has failed`(route: String) async throws {
        let answer = FakeAnswer(101, headers: [("Connection", "Upgrade"), ("Upgrade", "websocket")], framing: .none)
        let (client, _, record) = try await self.send(route, "/x", body: [.bytes(#"{"messages":[{"role":"user","content":"hi"}],"input":"hi"}"#)], answer: answer)
        #expect(client.status == 502)
        #expect(record.root.outcome == .failed && record.errorType == "upgrade_unasked")
        #expect(record.scopes.last?.errorType == "upgrade_unasked")
    }

    @Test(arguments: [
        ("llm/v1/files", "GET", "/x/v1/files/file-1/content", "/v1/files/file-1/content"), ("llm/v1/files", "DELETE", "/x/v1/files/file-1", "/v1/files/file-1"),
        ("llm/v1/batches", "GET", "/x/v1/batches?limit=2&after=b", "/v1/batches?limit=2&after=b"), ("llm/v1/responses", "GET", "/x/v1/responses/r-1/input_items", "/v1/responses/r-1/input_items"),
        ("llm/v1/files", "GET", "/x/v1/files/../../admin", "/v1/files"), ("llm/v1/files", "GET", "/x/v1/files/%2e%2e/admin", "/v1/files"),
    ])
    func `methods and resources below an operation pass`(route: String, method: String, target: String, expected: String) async throws {
        let (client, first, _) = try await self.send(route, target, method: method, type: nil)
        #expect(client.status == 200)
        let sent = try #require(first)
        #expect(sent.request.method.name == method)
        #expect(sent.target == expected)
    }

    @Test func `a POST without a body needs no JSON`() async throws {
        let (client, sent, _) = try await self.send("llm/v1/batches", "/x/v1/batches/b-1/cancel", body: [])
        #expect(client.status == 200)
        #expect(sent?.target == "/v1/batches/b-1/cancel")
        #expect(sent?.body.isEmpty == true)
        // Nothing has to come any more, so that it can be signed.
        if case .stream? = sent?.request.body { Issue.record("passed on as it arrives") }
    }

    private static var transcript: FakeAnswer {
        FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(#"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":3}}"#)])
    }

    private func transcribe(_ form: String, model: String) async throws -> (client: FakeExchange, sent: FakeUpstream.Sent?, record: RecordedRequest) {
        let half = form.index(form.startIndex, offsetBy: form.count / 2)
        return try await self.send(
            "audio/v1/audio/transcriptions", "/x/v1/audio/transcriptions", type: "multipart/form-data; boundary=b", body: [.bytes(String(form[..<half])), .bytes(String(form[half...]))],
            isBodyComplete: false, model: model, answer: Self.transcript)
    }

    private static let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\naudio\r\n--b--"
    private static let modelPart = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"

    @Test(arguments: [Self.form, "\(Self.modelPart)own\r\n\(Self.form)", "--b\r\naudio--b--"]) func `without a configured model a form passes as it arrives`(form: String) async throws {
        let (client, sent, record) = try await self.transcribe(form, model: "{provider: openai}")
        #expect(sent?.body == form)
        #expect(sent?.values("content-type") == ["multipart/form-data; boundary=b"])
        #expect(client.body.contains("hi"))
        #expect(record.attempts[0].usage.input == 14 && record.attempts[0].usage.output == 3)
        #expect(record.attemptTexts[0].requestModel == (form.contains("own") ? "own" : ""))
    }

    @Test(arguments: [Self.form, "\(Self.modelPart)m-1\r\n\(Self.form)"]) func `a configured model is put into a form`(form: String) async throws {
        let (client, sent, record) = try await self.transcribe(form, model: "{provider: openai, name: m-1}")
        #expect(sent?.body == "\(Self.modelPart)m-1\r\n\(Self.form)")
        #expect(client.body.contains("hi"))
        #expect(record.attemptTexts[0].requestModel == "m-1")
    }

    @Test(arguments: [
        ("\(Self.modelPart)other\r\n\(Self.form)", "model_not_allowed"), ("\(Self.modelPart)m-1\r\n\(Self.modelPart)other\r\n\(Self.form)", "model_not_allowed"),
        ("--b\r\naudio--b--", "invalid_form"),
    ]) func `a form with another model than the configured one goes nowhere`(form: String, code: String) async throws {
        let (client, sent, record) = try await self.transcribe(form, model: "{provider: openai, name: m-1}")
        #expect(client.status == 400 && sent == nil)
        #expect(record.errorType == code)
    }

    @Test(arguments: [
        ("{use_cache: false, wait_for_model: true}", ["false"], ["true"]), ("{use_cache: true}", ["true"], []), ("{}", [], []),
    ]) func `Hugging Face is told of its cache and of models that are not ready`(options: String, cache: [String], wait: [String]) async throws {
        let (_, sent, _) = try await self.send(
            "llm/v1/chat", "/x", body: [.bytes(#"{"messages":[{"role":"user","content":"hi"}]}"#)], model: "{provider: huggingface, name: m, options: {huggingface: \(options)}}")
        #expect(sent?.values("x-use-cache") == cache && sent?.values("x-wait-for-model") == wait)
    }

    @Test func `what is not JSON is not read`() async throws {
        let (client, _, record) = try await self.send(
            "audio/v1/audio/speech", "/x/v1/audio/speech", body: [.bytes(#"{"input":"x","voice":"a"}"#)],
            answer: FakeAnswer(headers: [("Content-Type", "audio/mpeg")], body: [.bytes(#"{"usage":{"input_tokens":14}}"#)]))
        #expect(client.field("content-type") == "audio/mpeg")
        #expect(record.attempts[0].usage.source == .none)
    }

    @Test func `a stream of responses tells its usage at the end`() async throws {
        let events = [
            #"{"type":"response.created","response":{"id":"resp_1","model":"m-1","status":"in_progress","usage":null}}"#, #"{"type":"response.output_text.delta","delta":"say \"usage\": 3"}"#,
            #"{"type":"response.completed","response":{"id":"resp_1","model":"m-1x","status":"completed","usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2}}}}"#,
        ]
        let text = events.map { "event: x\ndata: \($0)\n\n" }.joined()
        let (client, _, record) = try await self.send(
            "llm/v1/responses", "/x/v1/responses", body: [.bytes(#"{"model":"m-1","stream":true,"input":"x"}"#)],
            answer: FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: [.bytes(text)]))
        #expect(client.body == text)
        let attempt = record.attempts[0]
        #expect(attempt.isStream && attempt.chunkCount == 3)
        #expect([attempt.usage.input, attempt.usage.output, attempt.usage.cachedInput, attempt.usage.reasoning] == [9, 5, 4, 2])
        #expect(record.attemptTexts[0].responseModel == "m-1x")
        #expect(record.attemptTexts[0].finishReasons == "completed")
    }

    @Test func `another model than the configured one is refused`() async throws {
        let (client, sent, _) = try await self.send("llm/v1/responses", "/x/v1/responses", body: [.bytes(#"{"model":"other","input":"x"}"#)])
        #expect(client.status == 400)
        #expect(sent == nil)
    }

    @Test func `azure has deployments for some and not for others`() async throws {
        let azure = "{provider: azure, name: m-1, options: {azure_instance: i, azure_deployment_id: d}}"
        #expect(try await self.send("llm/v1/files", "/x/v1/files/f", method: "GET", type: nil, model: azure).sent?.target == "/openai/files/f?api-version=2023-05-15")
        #expect(
            try await self.send("audio/v1/audio/speech", "/x/v1/audio/speech", body: [.bytes("{}")], model: azure).sent?.target == "/openai/deployments/d/audio/speech?api-version=2023-05-15")
    }

    @Test func `a route that buffers sends an upload whole and tells of an answer that breaks off`() async throws {
        let pieces: [FakeExchange.Step] = [.bytes("one"), .bytes("two")]
        let (_, sent, _) = try await self.send(
            "llm/v1/files", "/x/v1/files", type: "multipart/form-data; boundary=b", body: pieces, isBodyComplete: false, options: ", request_buffering: true")
        guard case .bytes(let whole)? = sent?.request.body else {
            Issue.record("streamed")
            return
        }
        #expect(String(buffer: whole) == "onetwo")

        func broken() -> FakeAnswer { FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("{\"id\":"), .fail(.closedMidResponse)]) }
        let (held, _, record) = try await self.send("llm/v1/responses", "/x/v1/responses", body: [.bytes("{}")], answer: broken(), options: ", response_buffering: true")
        #expect(held.status == 502 && record.errorType == "response_truncated")
        let (plain, _, _) = try await self.send("llm/v1/responses", "/x/v1/responses", body: [.bytes("{}")], answer: broken())
        #expect(plain.status == 200 && plain.isAborted)
    }
}
