import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AITransformerTests {
    private static let model = "https://api.openai.com/v1/chat/completions"

    private func fixture(_ plugin: String, _ more: String = "", llm: String = "model: {provider: openai, name: gpt-4, options: {max_tokens: 77}}") throws(ConfigurationError) -> GuardFixture {
        try GuardFixture(
            "{name: ai-\(plugin)-transformer, config: {prompt: \"be \\\"terse\\\"\", llm: {route_type: llm/v1/chat, auth: {header_name: Authorization, header_value: Bearer llm-secret}, \(llm)}\(more.isEmpty ? "" : ", " + more)}}")
    }

    /// What the model says.
    private func says(_ text: String, in fixture: GuardFixture) {
        fixture.engine.http.on(
            Self.model, json: #"{"id":"c","model":"gpt-4-0613","choices":[{"index":0,"message":{"role":"assistant","content":\#(GuardFixture.quoted(text))}}],"usage":{"prompt_tokens":11,"completion_tokens":3,"total_tokens":14}}"#)
    }

    private static let chat = GuardFixture.chat([("user", "hello")])

    // MARK: Requests

    @Test func `the model gets prompt and body, and its answer is the new body`() async throws {
        let fixture = try self.fixture("request")
        self.says(GuardFixture.chat([("user", "bonjour")]), in: fixture)
        let (client, record) = try await fixture.post(Self.chat)
        #expect(client.status == 200, "\(record.summary)")
        let call = try #require(fixture.engine.http.calls.first)
        let sent = try JSONValue(parsing: call.body)
        #expect(sent["model"] == "gpt-4")
        #expect(sent["max_tokens"] == 77)
        #expect(sent["messages"] == [["role": "system", "content": "be \"terse\""], ["role": "user", "content": .string(Self.chat)]])
        #expect(call.header("authorization") == "Bearer llm-secret")
        #expect(call.totalTimeoutMilliseconds == 60_000)
        #expect(fixture.sentContents == ["bonjour"])
        let fields = GuardFixture.fields(record, "ai-request-transformer request")
        #expect(fields["pellucid.ai_request_transformer.prompt_tokens"] == "11")
        #expect(fields["pellucid.ai_request_transformer.completion_tokens"] == "3")
        #expect(fields["pellucid.ai_request_transformer.response_model"] == "gpt-4-0613")
        let span = try #require(record.scopes.first { $0.callName == "chat" })
        #expect(span.fields["gen_ai.request.model"] == "gpt-4")
        #expect(span.fields["gen_ai.provider.name"] == "openai")
        #expect(span.fields["gen_ai.usage.output_tokens"] == "3")
        #expect(!"\(record)".contains("llm-secret"))
        #expect(!"\(record)".contains("bonjour"))
    }

    @Test func `of the answer only what the pattern matches is taken`() async throws {
        let fixture = try self.fixture("request", #"transformation_extract_pattern: "{((.|\\n)*)}""#)
        self.says("Sure! Here it is:\n" + GuardFixture.chat([("user", "bonjour")]) + "\nAnything else?", in: fixture)
        let (client, _) = try await fixture.post(Self.chat)
        #expect(client.status == 200)
        #expect(fixture.sentContents == ["bonjour"])
    }

    @Test func `an answer without a match is refused`() async throws {
        let fixture = try self.fixture("request", "transformation_extract_pattern: \"[{].*[}]\"")
        self.says("I cannot do that", in: fixture)
        let (client, record) = try await fixture.post(Self.chat)
        #expect(client.status == 400)
        #expect(record.errorType == "no_match")
        #expect(!client.body.contains("cannot do that"))
        #expect(fixture.engine.upstream.sent.isEmpty)
    }

    private static let failures: [(String, @Sendable (HTTPCall) -> Result<HTTPAnswer, HTTPCallFailure>)] = [
        ("timeout", { _ in .failure(HTTPCallFailure(.timeout)) }), ("model_status", { _ in .success(HTTPAnswer(status: 429)) }),
        ("model_answer", { _ in .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "{}"))) }), ("model_answer", { _ in .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "nope"))) }),
    ]

    @Test(arguments: Self.failures.indices)
    func `a model that does not answer stops the request`(index: Int) async throws {
        let (code, handler) = Self.failures[index]
        let fixture = try self.fixture("request")
        fixture.engine.http.on(Self.model, handler)
        let (client, record) = try await fixture.post(Self.chat)
        #expect(client.status == 500)
        #expect(record.errorType == code)
        #expect(fixture.engine.upstream.sent.isEmpty)
    }

    @Test func `a body over the limit is refused unread`() async throws {
        let fixture = try self.fixture("request", "max_request_body_size: 10")
        let (client, _) = try await fixture.post(Self.chat)
        #expect(client.status == 413)
        #expect(fixture.engine.http.calls.isEmpty)
    }

    @Test func `proxy, timeout and verification go with the call`() async throws {
        let fixture = try self.fixture("request", "http_timeout: 1234, https_verify: false, https_proxy_host: proxy.test, https_proxy_port: 3128, http_proxy_host: other.test, http_proxy_port: 1")
        self.says(Self.chat, in: fixture)
        _ = try await fixture.post(Self.chat)
        let call = try #require(fixture.engine.http.calls.first)
        #expect(call.totalTimeoutMilliseconds == 1234)
        #expect(!call.tls.verifiesPeer)
        #expect(call.proxy == HTTPCallProxy(host: "proxy.test", port: 3128))
    }

    @Test func `a model of another format is asked in its own`() async throws {
        let fixture = try self.fixture("request", llm: "model: {provider: anthropic, name: claude, options: {anthropic_version: \"2023-06-01\", max_tokens: 50}}")
        fixture.engine.http.on(
            "https://api.anthropic.com/v1/messages",
            json: #"{"id":"m","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":\#(GuardFixture.quoted(GuardFixture.chat([("user", "hallo")])))}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":2}}"#)
        let (client, record) = try await fixture.post(Self.chat)
        #expect(client.status == 200, "\(record.summary)")
        let sent = try JSONValue(parsing: try #require(fixture.engine.http.calls.first).body)
        #expect(sent["model"] == "claude")
        #expect(sent["max_tokens"] == 50)
        #expect(fixture.sentContents == ["hallo"])
    }

    @Test(arguments: [
        ("llm: {route_type: llm/v1/embeddings, model: {provider: openai, name: m}}", "config.llm.route_type"), ("llm: {route_type: llm/v1/chat, model: {provider: openai}}", "config.llm.model.name"),
        ("llm: {route_type: llm/v1/chat, model: {provider: openai, name: m}}, http_proxy_host: h", "config.http_proxy_host"),
        ("llm: {route_type: llm/v1/chat, model: {provider: openai, name: m}}, transformation_extract_pattern: \"(\"", "config.transformation_extract_pattern"),
    ])
    func `a model that cannot be asked is refused with its path`(config: String, path: String) {
        let problems = EngineFixture.problems(
            "services: [{name: s, url: \"http://h/\", plugins: [{name: ai-request-transformer, config: {prompt: p, \(config)}}]}]", plugins: PluginRegistrations.all,
            providers: PluginRegistrations.providers)
        #expect(problems.contains { $0.contains(path) }, "\(problems)")
    }

    // MARK: Responses

    @Test func `the answer of the upstream is rewritten`() async throws {
        let fixture = try self.fixture("response")
        self.says("rewritten", in: fixture)
        let (client, record) = try await fixture.post(Self.chat, answer: "{\"a\":1}")
        #expect(client.body == "rewritten")
        #expect(client.field("content-length") == nil || client.framing == .length(9))
        #expect(try #require(fixture.engine.http.calls.first).text.contains(#""content":"{\"a\":1}""#))
        #expect(GuardFixture.fields(record, "ai-response-transformer response")["pellucid.ai_response_transformer.prompt_tokens"] == "11")
    }

    @Test func `instructions set status, headers and body`() async throws {
        let fixture = try self.fixture("response", "parse_llm_response_json_instructions: true, transformation_extract_pattern: '{((.|\\n)*)}'")
        self.says(#"ok {"headers":{"new-header":"header-value","content-type":"text/plain"},"status":201,"body":"new response body"} bye"#, in: fixture)
        let (client, record) = try await fixture.post(Self.chat)
        #expect(client.status == 201)
        #expect(client.field("new-header") == "header-value")
        #expect(client.field("content-type") == "text/plain")
        #expect(client.body == "new response body")
        #expect(GuardFixture.fields(record, "ai-response-transformer response")["pellucid.ai_response_transformer.status"] == "201")
    }

    @Test(arguments: [
        "no json", #"{"status":99}"#, #"{"status":"x"}"#, #"{"headers":{"content-length":"1"}}"#, #"{"headers":{"a b":"c"}}"#, #"{"headers":{"a":"b\r\nc: d"}}"#, #"{"headers":{"a":{}}}"#,
    ])
    func `instructions that cannot be followed are a failure`(text: String) async throws {
        let fixture = try self.fixture("response", "parse_llm_response_json_instructions: true")
        self.says(text, in: fixture)
        let (client, record) = try await fixture.post(Self.chat)
        #expect(client.status == 500)
        #expect(record.errorType == "model_instructions")
    }

    @Test func `a stream, which no model can be shown, is stopped`() async throws {
        let fixture = try self.fixture("response")
        self.says("x", in: fixture)
        let (client, record) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: ["data: secret\n\n", "data: [DONE]\n\n"])
        #expect(client.status == 500)
        #expect(!client.body.contains("secret"))
        #expect(record.errorType == "response_streamed")
    }
}
