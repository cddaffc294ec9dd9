import Foundation
import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AIProxyTests {
    private static let chat = #"{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}"#
    private static let auth = "auth: {header_name: Authorization, header_value: Bearer sk-upstream}"

    private func engine(_ config: String, route: String = "llm/v1/chat") throws(ConfigurationError) -> EngineFixture {
        try EngineFixture(
            """
            services:
            - name: llm
              url: http://unused.test/
              routes: [{name: chat, paths: [/chat], plugins: [{name: ai-proxy, config: {route_type: \(route), \(config)}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    private func send(
        _ engine: EngineFixture, _ body: String = Self.chat, target: String = "/chat", headers: [(String, String)] = [], type: String? = "application/json",
        reply: FakeUpstream.Reply = .answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))
    ) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let all = [("Host", "gateway.test")] + (type.map { [("Content-Type", $0)] } ?? []) + headers
        let exchange = try FakeExchange("POST", target, headers: all, body: [.bytes(body)])
        engine.upstream.replies = [reply]
        return (exchange, try await engine.serve(exchange))
    }

    private func object(_ text: String) throws -> [String: any Sendable] {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(value as? [String: any Sendable])
    }

    private func sent(_ engine: EngineFixture) throws -> [String: any Sendable] { try self.object(try #require(engine.upstream.sent.last).body) }

    // MARK: The way of a request

    @Test func `a chat request goes to its provider with the provider's credential`() async throws {
        let engine = try self.engine("model: {provider: openai, name: gpt-4o}, \(Self.auth)")
        let (client, record) = try await self.send(engine, headers: [("Authorization", "Bearer client"), ("Accept-Encoding", "gzip")])
        #expect(client.status == 200)
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.request.endpoint.host == "api.openai.com")
        #expect(sent.request.endpoint.isTLS)
        #expect(sent.target == "/v1/chat/completions")
        #expect(sent.request.host == "api.openai.com")
        #expect(sent.values("authorization") == ["Bearer sk-upstream"])
        #expect(sent.values("accept-encoding") == ["identity"])
        #expect(client.field("x-kong-llm-model") == "openai/gpt-4o")
        #expect(sent.body == Self.chat)
        #expect(record.attemptTexts[0].provider == "openai")
        #expect(record.attemptTexts[0].requestModel == "gpt-4o")
        #expect(record.attempts[0].isModelConfigured)
    }

    @Test(arguments: [("llm/v1/chat", "messages\":[{}]", "chat/completions"), ("llm/v1/completions", "prompt\":\"x\"", "completions"), ("llm/v1/embeddings", "input\":\"x\"", "embeddings")])
    func `each route type goes to its own path`(route: String, member: String, path: String) async throws {
        let engine = try self.engine("model: {provider: openai, name: m}", route: route)
        #expect(try await self.send(engine, "{\"\(member)}").client.status == 200)
        #expect(engine.upstream.sent[0].target == "/v1/\(path)")
    }

    @Test func `the model's name is not told where that is switched off`() async throws {
        let engine = try self.engine("model: {provider: openai, name: gpt-4o}, model_name_header: false")
        #expect(try await self.send(engine).client.field("x-kong-llm-model") == nil)
    }

    // MARK: Model rules

    @Test func `the configured model is added where the client names none`() async throws {
        let engine = try self.engine("model: {provider: openai, name: gpt-4o}")
        _ = try await self.send(engine, #"{"messages":[{}]}"#)
        #expect(try self.sent(engine)["model"] as? String == "gpt-4o")
    }

    @Test func `a client may not choose another model`() async throws {
        let engine = try self.engine("model: {provider: openai, name: gpt-4o}")
        let (client, record) = try await self.send(engine, #"{"model":"other","messages":[{}]}"#)
        #expect(client.status == 400)
        #expect(client.body.contains("cannot use own model - must be: gpt-4o"))
        #expect(record.errorType == "model_not_allowed")
        #expect(engine.upstream.sent.isEmpty)
    }

    @Test func `an alias means the configured model`() async throws {
        let engine = try self.engine("model: {provider: openai, name: gpt-4o, model_alias: fast}")
        _ = try await self.send(engine, #"{"model":"fast","messages":[{}]}"#)
        #expect(try self.sent(engine)["model"] as? String == "gpt-4o")
    }

    @Test func `without a configured model the client names it`() async throws {
        let engine = try self.engine("model: {provider: openai}")
        let (client, record) = try await self.send(engine, #"{"model":"mine","messages":[{}]}"#)
        #expect(client.field("x-kong-llm-model") == "openai/mine")
        #expect(!record.attempts[0].isModelConfigured)
        let (refused, other) = try await self.send(engine, #"{"messages":[{}]}"#)
        #expect(refused.status == 400)
        #expect(other.errorType == "missing_model")
    }

    // MARK: Options

    @Test func `configured options win over the client's`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m, options: {max_tokens: 7, temperature: 0.5, top_p: 0.25}}")
        _ = try await self.send(engine, #"{"messages":[{}],"max_tokens":9999,"temperature":2,"n":2}"#)
        let sent = try self.sent(engine)
        #expect(sent["max_tokens"] as? Int == 7)
        #expect(sent["temperature"] as? Double == 0.5)
        #expect(sent["top_p"] as? Double == 0.25)
        #expect(sent["n"] as? Int == 2)
    }

    @Test func `embeddings get their dimensions and no options of a chat`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m, options: {max_tokens: 7, embeddings_dimensions: 64}}", route: "llm/v1/embeddings")
        _ = try await self.send(engine, #"{"input":"x","stream":true}"#)
        let sent = try self.sent(engine)
        #expect(sent["dimensions"] as? Int == 64)
        #expect(sent["max_tokens"] == nil)
        #expect(sent["stream_options"] == nil)
    }

    @Test func `top_k is taken out`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}")
        _ = try await self.send(engine, #"{"messages":[{}],"top_k":5}"#)
        #expect(try self.sent(engine)["top_k"] == nil)
    }

    @Test func `prices become the cost of the request`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m, options: {input_cost: 2, output_cost: 8}}")
        let answer = FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(#"{"usage":{"prompt_tokens":1000,"completion_tokens":500}}"#)])
        let (_, record) = try await self.send(engine, #"{"messages":[{}]}"#, reply: .answer(answer))
        #expect(record.attempts[0].hasCost)
        #expect(abs(record.attempts[0].cost - 0.006) < 1e-12)
        #expect(abs(engine.registry.total("pellucid.cost") - 0.006) < 1e-12)
    }

    // MARK: Streams

    @Test func `usage is asked of a stream and kept from a client that did not ask`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}")
        let events = [#"{"model":"m","choices":[{"delta":{"content":"x"}}]}"#, #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#, "[DONE]"]
        let bytes = events.map { "data: \($0)\n\n" }.joined()
        let reply = { FakeUpstream.Reply.answer(FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: [.bytes(bytes)])) }
        let (client, record) = try await self.send(engine, #"{"messages":[{}],"stream":true}"#, reply: reply())
        #expect((try self.sent(engine)["stream_options"] as? [String: any Sendable])?["include_usage"] as? Bool == true)
        #expect(!client.body.contains("usage"))
        #expect(record.attempts[0].usage.total == 7)
        let (asking, _) = try await self.send(engine, #"{"messages":[{}],"stream":true,"stream_options":{"include_usage":true}}"#, reply: reply())
        #expect(asking.body == bytes)
    }

    @Test func `other stream options are kept beside the one that is added`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}")
        _ = try await self.send(engine, #"{"messages":[{}],"stream":true,"stream_options":{"include_usage":false,"chunk":1}}"#)
        let options = try self.sent(engine)["stream_options"] as? [String: any Sendable]
        #expect(options?["include_usage"] as? Bool == true)
        #expect(options?["chunk"] as? Int == 1)
    }

    @Test(arguments: [("mistral, name: m, options: {mistral_format: openai}", false), ("cerebras, name: m", false), ("deepseek, name: m", true), ("xai, name: m", true)])
    func `usage is asked only of providers that take the option`(model: String, asks: Bool) async throws {
        let engine = try self.engine("model: {provider: \(model)}")
        _ = try await self.send(engine, #"{"messages":[{}],"stream":true}"#)
        #expect((try self.sent(engine)["stream_options"] != nil) == asks)
    }

    @Test(arguments: [("2023-05-15", false), ("2024-09-01", true), ("2024-10-21", true), ("2024-08-01-preview", false)])
    func `azure is asked for usage from the version that knows it`(version: String, asks: Bool) async throws {
        let engine = try self.engine("model: {provider: azure, name: m, options: {azure_instance: i, azure_deployment_id: d, azure_api_version: \"\(version)\"}}")
        _ = try await self.send(engine, #"{"messages":[{}],"stream":true}"#)
        #expect((try self.sent(engine)["stream_options"] != nil) == asks)
        #expect(engine.upstream.sent[0].target == "/openai/deployments/d/chat/completions?api-version=\(version)")
    }

    @Test func `streams can be denied and can be the rule`() async throws {
        let denied = try self.engine("model: {provider: openai, name: m}, response_streaming: deny")
        let (client, record) = try await self.send(denied, #"{"messages":[{}],"stream":true}"#)
        #expect(client.status == 400)
        #expect(record.errorType == "streaming_denied")
        #expect(try await self.send(denied, #"{"messages":[{}]}"#).client.status == 200)
        let always = try self.engine("model: {provider: openai, name: m}, response_streaming: always")
        _ = try await self.send(always, #"{"messages":[{}],"stream":false}"#)
        #expect(try self.sent(always)["stream"] as? Bool == true)
    }

    // MARK: Credentials

    @Test func `a client's own credential goes on only where that is allowed`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}, auth: {header_name: Authorization, header_value: Bearer sk, allow_override: true}")
        _ = try await self.send(engine, #"{"messages":[{}]}"#, headers: [("authorization", "Bearer mine")])
        #expect(engine.upstream.sent[0].values("authorization") == ["Bearer mine"])
        _ = try await self.send(engine, #"{"messages":[{}]}"#)
        #expect(engine.upstream.sent[1].values("authorization") == ["Bearer sk"])
    }

    @Test func `a client's key that another stage has used and hidden is no key of its own`() async throws {
        let engine = try EngineFixture(
            """
            services:
            - name: s
              url: http://h/
              routes: [{name: r, paths: [/chat]}]
              plugins:
              - {name: key-auth, config: {key_names: [authorization], hide_credentials: true}}
              - {name: ai-proxy, config: {route_type: llm/v1/chat, model: {provider: openai, name: m}, auth: {header_name: Authorization, header_value: Bearer sk, allow_override: true}}}
            consumers: [{username: app, keyauth_credentials: [{key: app-key}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        _ = try await self.send(engine, #"{"messages":[{}]}"#, headers: [("authorization", "app-key")])
        #expect(engine.upstream.sent[0].values("authorization") == ["Bearer sk"])
    }

    @Test func `a key in the query is added and encoded`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}, auth: {param_name: key, param_value: \"a b&c\", param_location: query}")
        _ = try await self.send(engine, #"{"messages":[{}]}"#, target: "/chat?key=mine&other=1")
        #expect(engine.upstream.sent[0].target == "/v1/chat/completions?key=a%20b%26c")
    }

    @Test func `a client's own key in the query goes on only where that is allowed`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}, auth: {param_name: key, param_value: sk, param_location: query, allow_override: true}")
        _ = try await self.send(engine, #"{"messages":[{}]}"#, target: "/chat?key=mine")
        _ = try await self.send(engine, #"{"messages":[{}]}"#)
        #expect(engine.upstream.sent.map(\.target) == ["/v1/chat/completions?key=mine", "/v1/chat/completions?key=sk"])
    }

    @Test func `a key in the body is added and replaces the client's unless that is allowed`() async throws {
        let auth = "param_name: api_key, param_value: 's\"k', param_location: body"
        let engine = try self.engine("model: {provider: openai, name: m}, auth: {\(auth)}")
        _ = try await self.send(engine, #"{"messages":[{}],"api_key":"mine"}"#)
        #expect(try self.sent(engine)["api_key"] as? String == "s\"k")
        let open = try self.engine("model: {provider: openai, name: m}, auth: {\(auth), allow_override: true}")
        _ = try await self.send(open, #"{"messages":[{}],"api_key":"mine"}"#)
        #expect(try self.sent(open)["api_key"] as? String == "mine")
    }

    @Test func `no evidence holds a credential`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}, auth: {param_name: key, param_value: sk-secret, param_location: query, header_name: X-Key, header_value: sk-secret}")
        let (_, record) = try await self.send(engine, #"{"messages":[{}]}"#)
        let texts = [record.path, record.upstreamURI, record.requestHeaders, record.responseHeaders] + record.attemptTexts.flatMap { [$0.path, $0.requestPayload] }
        for text in texts + record.scopes.flatMap(\.fields.values) { #expect(!text.contains("sk-secret")) }
    }

    // MARK: Refused requests

    @Test(arguments: [
        ("[]", 400, "invalid_request_body"), ("\"text\"", 400, "invalid_request_body"), ("{}", 400, "missing_prompt"), (#"{"messages":null}"#, 400, "missing_prompt"),
        (#"{"messages":[]}"#, 400, "invalid_prompt"), (#"{"messages":"hi"}"#, 400, "invalid_prompt"), (#"{"prompt":"hi"}"#, 400, "missing_prompt"),
    ])
    func `a body that is no chat request is refused in the client's format`(body: String, status: Int, code: String) async throws {
        let engine = try self.engine("model: {provider: openai, name: m}")
        let (client, record) = try await self.send(engine, body)
        #expect(client.status == status)
        #expect(record.errorType == code)
        let error = try self.object(client.body)["error"] as? [String: any Sendable]
        #expect(error?["code"] as? String == code)
        #expect(error?["type"] as? String == "invalid_request_error")
        #expect(engine.upstream.sent.isEmpty)
    }

    @Test func `what is no JSON is told where`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}")
        let (client, record) = try await self.send(engine, "{\"messages\":\n [tru]}")
        #expect(client.status == 400)
        #expect(client.body.contains("line 2"))
        #expect(client.body.contains("column"))
        #expect(client.body.contains("byte"))
        #expect(record.root.outcome == .rejected)
    }

    @Test func `invalid UTF-8 is told where and not passed on`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}")
        let head = #"{"messages":[{"content":""#
        let exchange = try FakeExchange(
            "POST", "/chat", headers: [("Host", "h"), ("Content-Type", "application/json"), ("Content-Length", "\(head.utf8.count)")], body: [.bytes(head)])
        _ = try await engine.serve(exchange)
        #expect(exchange.status == 400)
        #expect(engine.upstream.sent.isEmpty)
    }

    @Test func `a body over the limit is refused with 413`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}, max_request_body_size: 40")
        let (client, record) = try await self.send(engine, #"{"messages":[{"content":"far too long a message"}]}"#)
        #expect(client.status == 413)
        #expect(client.body.contains("40 bytes"))
        #expect(record.errorType == "request_too_large")
        let unlimited = try self.engine("model: {provider: openai, name: m}, max_request_body_size: 0")
        #expect(try await self.send(unlimited, #"{"messages":[{"content":"\#(String(repeating: "x", count: 2 << 20))"}]}"#).client.status == 200)
    }

    @Test(arguments: [("text/plain", 415), ("application/json; charset=utf-8", 200), ("application/x-www-form-urlencoded", 415)])
    func `only JSON is looked into`(type: String, status: Int) async throws {
        let engine = try self.engine("model: {provider: openai, name: gpt-4o}")
        #expect(try await self.send(engine, type: type).client.status == status)
    }

    @Test func `a body without a content type is taken for JSON`() async throws {
        let engine = try self.engine("model: {provider: openai, name: gpt-4o}")
        #expect(try await self.send(engine, type: nil).client.status == 200)
    }

    @Test func `a body that breaks off is recorded as the client's doing`() async throws {
        let engine = try self.engine("model: {provider: openai, name: m}")
        let exchange = try FakeExchange("POST", "/chat", headers: [("Host", "h"), ("Content-Type", "application/json"), ("Content-Length", "50")], body: [.bytes("{"), .fail(.closed)])
        exchange.departure = .readingBody(after: 1)
        let record = try await engine.serve(exchange)
        #expect(record.root.outcome == .cancelled)
        #expect(record.root.status == 499)
    }

    // MARK: Every provider

    @Test(arguments: [
        ("openai", "", "https://api.openai.com/v1/chat/completions"), ("xai", "", "https://api.x.ai/v1/chat/completions"), ("deepseek", "", "https://api.deepseek.com/v1/chat/completions"),
        ("cerebras", "", "https://api.cerebras.ai/v1/chat/completions"), ("huggingface", "", "https://router.huggingface.co/v1/chat/completions"),
        ("mistral", "mistral_format: openai", "https://api.mistral.ai/v1/chat/completions"), ("dashscope", "", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions"),
        ("dashscope", "dashscope: {international: false}", "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions"),
        ("azure", "azure_instance: i, azure_deployment_id: d", "https://i.openai.azure.com/openai/deployments/d/chat/completions"),
        ("databricks", "databricks: {workspace_instance_id: w}", "https://w.cloud.databricks.com/serving-endpoints/v1/chat/completions"),
        ("ollama", "upstream_url: \"http://127.0.0.1:11434/v1/chat/completions\"", "http://127.0.0.1:11434/v1/chat/completions"),
        ("vllm", "upstream_url: \"http://vllm.test:8000/v1/chat/completions\"", "http://vllm.test:8000/v1/chat/completions"),
        ("llama2", "llama2_format: openai, upstream_url: \"http://llama.test/v1/chat/completions\"", "http://llama.test/v1/chat/completions"),
    ])
    func `every provider is asked at its address`(provider: String, options: String, url: String) async throws {
        let engine = try self.engine("model: {provider: \(provider), name: m, options: {\(options)}}")
        let (client, record) = try await self.send(engine, #"{"messages":[{}]}"#)
        #expect(client.status == 200)
        #expect(client.field("x-kong-llm-model") == "\(provider)/m")
        #expect(record.upstreamURI == url)
    }

    @Test(arguments: [
        ("model: {provider: openai, name: m}, llm_format: huggingface", "config.llm_format"), ("model: {provider: anthropic, name: m, options: {anthropic_version: v}}, llm_format: huggingface", "config.llm_format"),
    ])
    func `what is not served is refused when the configuration is loaded`(config: String, path: String) {
        do {
            _ = try self.engine(config)
            Issue.record("was accepted")
        } catch { #expect(error.issues.contains { $0.description.contains(path) && $0.description.contains("not served yet") }, "\(error.issues)") }
    }
}
