import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// Clients of one format on providers of another, through the whole pipeline.
@Suite struct TranslatedTrafficTests {
    private func engine(_ config: String, plugins: String = "") throws(ConfigurationError) -> EngineFixture {
        try EngineFixture(
            """
            services:
            - name: llm
              url: http://unused.test/
              routes: [{name: chat, paths: [/v1], plugins: [\(plugins){name: ai-proxy, config: {route_type: llm/v1/chat, \(config)}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    private static let toClaude = #"auth: {header_name: x-api-key, header_value: sk-up}, model: {provider: anthropic, name: claude-1, options: {anthropic_version: "2023-06-01"}}"#
    private static let toGPT = "llm_format: anthropic, auth: {header_name: Authorization, header_value: Bearer sk-up}, model: {provider: openai, name: gpt-1}"
    private static let question = #"{"model":"claude-1","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#
    private static let json = [("Content-Type", "application/json"), ("request-id", "req_9")]
    private static let events = [("Content-Type", "text/event-stream; charset=utf-8"), ("Content-Length", "12")]

    private func send(
        _ engine: EngineFixture, _ body: String, target: String = "/v1/messages", headers: [(String, String)] = [], _ answer: FakeAnswer
    ) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", target, headers: [("Host", "g"), ("Content-Type", "application/json")] + headers, body: [.bytes(body)])
        engine.upstream.replies = [.answer(answer)]
        return (exchange, try await engine.serve(exchange))
    }

    private func text(_ client: FakeExchange) -> String { client.content.joined() }

    private func parsed(_ client: FakeExchange) throws -> JSONValue { try JSONValue(parsing: self.text(client)) }

    // MARK: OpenAI's clients on Anthropic

    private static let message =
        #"{"id":"msg_1","type":"message","role":"assistant","model":"claude-1x","content":[{"type":"text","text":"Hé!"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":4}}"#

    @Test func `a client of OpenAI's format gets its answer from Anthropic`() async throws {
        let engine = try self.engine(Self.toClaude)
        let (client, record) = try await self.send(
            engine, #"{"messages":[{"role":"user","content":"hi"}],"temperature":0.5,"seed":7}"#, headers: [("Authorization", "Bearer client")],
            FakeAnswer(headers: Self.json + [("Content-Length", "\(Self.message.utf8.count)")], body: [.bytes(String(Self.message.prefix(30))), .bytes(String(Self.message.dropFirst(30)))]))
        #expect(client.status == 200)
        #expect(client.field("content-type") == "application/json")
        #expect(client.field("x-kong-llm-model") == "anthropic/claude-1")
        let answer = try self.parsed(client)
        #expect(answer["object"]?.stringValue == "chat.completion")
        #expect(answer["choices"]?[0]?["message"]?["content"]?.stringValue == "Hé!")
        #expect(client.framing == .length(self.text(client).utf8.count))
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.request.endpoint.host == "api.anthropic.com")
        #expect(sent.target == "/v1/messages")
        #expect(sent.values("x-api-key") == ["sk-up"])
        #expect(sent.values("anthropic-version") == ["2023-06-01"])
        #expect(sent.values("authorization").isEmpty)
        #expect(try JSONValue(parsing: sent.body)["model"]?.stringValue == "claude-1")
        #expect(record.root.outcome == .passed)
        #expect(record.attempts[0].usage.input == 3 && record.attempts[0].usage.output == 4 && record.attempts[0].usage.source == .providerReported)
        #expect(record.attemptTexts[0].responseModel == "claude-1x")
        #expect(record.attemptTexts[0].finishReasons == "end_turn")
        #expect(record.attemptTexts[0].providerRequestID == "req_9")
        let attempt = try #require(record.scopes.first { $0.evidence.kind == .attempt })
        #expect(attempt.fields["pellucid.translation.dropped"] == "seed")
        #expect(attempt.fields["pellucid.translation.format"] == "openai")
        #expect(attempt.fields["gen_ai.request.temperature"] == "0.5")
    }

    private static let stream = """
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_1","model":"claude-1x","usage":{"input_tokens":3,"output_tokens":1}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hé"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"llo"}}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}

        event: message_stop
        data: {"type":"message_stop"}


        """
    private static let ask = #"{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#

    private func pieces(_ text: String, of size: Int) -> [FakeAnswer.Step] {
        let characters = Array(text)
        return stride(from: 0, to: characters.count, by: size).map { .bytes(String(characters[$0..<min($0 + size, characters.count)])) }
    }

    @Test func `a stream is translated on its way and counted as it came`() async throws {
        let engine = try self.engine(Self.toClaude)
        let (client, record) = try await self.send(engine, Self.ask, FakeAnswer(headers: Self.events, body: self.pieces(Self.stream, of: 37)))
        let text = self.text(client)
        #expect(client.field("content-type") == "text/event-stream")
        #expect(client.field("content-length") == nil)
        #expect(text.contains(#""delta":{"content":"Hé"}"#))
        #expect(text.contains(#""usage":{"prompt_tokens":3,"completion_tokens":5"#))
        #expect(text.hasSuffix("data: [DONE]\n\n"))
        #expect(client.isFinished)
        #expect(record.root.outcome == .passed)
        let attempt = record.attempts[0]
        #expect(attempt.isStream && attempt.chunkCount == 6 && attempt.firstChunkAt > 0 && attempt.lastChunkAt >= attempt.firstChunkAt)
        #expect(attempt.usage.output == 5)
        #expect(record.attemptTexts[0].responseModel == "claude-1x")
    }

    @Test func `stream stages see the client's format`() async throws {
        let engine = try self.engine(Self.toClaude, plugins: "{name: ai-sanitizer, config: {anonymize: [email], recover_redacted: true}}, ")
        let body = #"{"stream":true,"messages":[{"role":"user","content":"write to ann@example.com"}]}"#
        let exchange = try FakeExchange("POST", "/v1/messages", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(body)])
        engine.upstream.replies = [.answer(FakeAnswer(headers: Self.events, body: self.pieces(Self.stream.replacing("llo", with: "EMAIL1 and PLACEHOLDER1"), of: 51)))]
        let record = try await engine.serve(exchange)
        let text = exchange.content.joined()
        #expect(!engine.upstream.sent[0].body.contains("ann@example.com"))
        #expect(text.contains("ann@example.com"), "\(text)")
        #expect(text.hasSuffix("data: [DONE]\n\n"))
        #expect(record.root.outcome == .passed)
    }

    @Test func `a provider's error keeps its status its message and when to come again`() async throws {
        let engine = try self.engine(Self.toClaude)
        let (client, record) = try await self.send(
            engine, Self.ask,
            FakeAnswer(
                429, headers: Self.json + [("Retry-After", "7")],
                body: [.bytes(#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#)]))
        #expect(client.status == 429)
        #expect(client.field("retry-after") == "7")
        #expect(try self.parsed(client)["error"]?["message"]?.stringValue == "slow down")
        #expect(record.attempts[0].status == 429)
        #expect(record.scopes.last?.evidence.outcome == .failed)
    }

    @Test func `an error inside a stream fails the request and is readable`() async throws {
        let engine = try self.engine(Self.toClaude)
        let broken = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"
        let (client, record) = try await self.send(engine, Self.ask, FakeAnswer(headers: Self.events, body: [.bytes(broken)]))
        #expect(self.text(client).contains(#""message":"Overloaded""#))
        #expect(client.isFinished)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "provider_stream_error")
    }

    @Test(arguments: [0, 200, 420])
    func `a stream that is cut off ends with an error and an aborted connection`(length: Int) async throws {
        let engine = try self.engine(Self.toClaude)
        let (client, record) = try await self.send(engine, Self.ask, FakeAnswer(headers: Self.events, body: [.bytes(String(Self.stream.prefix(length)))]))
        #expect(self.text(client).contains("The upstream ended the stream before it was complete"))
        #expect(!self.text(client).contains("[DONE]"))
        #expect(client.isAborted)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "response_truncated")
    }

    @Test func `an answer nobody can read is a bad gateway`() async throws {
        let engine = try self.engine(Self.toClaude)
        let (client, record) = try await self.send(engine, #"{"messages":[{"role":"user","content":"hi"}]}"#, FakeAnswer(headers: Self.json, body: [.bytes(#"{"id":"#)]))
        #expect(client.status == 502)
        #expect(try self.parsed(client)["error"]?["code"]?.stringValue == "answer_unreadable")
        #expect(record.root.outcome == .failed)
    }

    @Test func `what the provider cannot express is refused where the operator wants that`() async throws {
        for (settings, status) in [("drop", 200), ("error", 400)] {
            let engine = try EngineFixture(
                "routes: [{name: r, paths: [/v1], plugins: [{name: ai-proxy, _pellucid: {on_unsupported: \(settings)}, config: {route_type: llm/v1/chat, \(Self.toClaude)}}]}]",
                plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
            let (client, _) = try await self.send(
                engine, #"{"messages":[{"role":"user","content":"hi"}],"logit_bias":{"1":1}}"#, FakeAnswer(headers: Self.json, body: [.bytes(Self.message)]))
            #expect(client.status == status)
            if status == 400 {
                #expect(try self.parsed(client)["error"]?["param"]?.stringValue == "logit_bias")
                #expect(engine.upstream.sent.isEmpty)
            }
        }
    }

    @Test func `options of the configuration win in the translated request too`() async throws {
        let engine = try self.engine(
            #"model: {provider: anthropic, name: claude-1, options: {anthropic_version: "2023-06-01", max_tokens: 77, temperature: 0.25, top_k: 5, upstream_url: "http://inside.test:99/custom"}}"#)
        _ = try await self.send(engine, #"{"messages":[{"role":"user","content":"hi"}],"max_tokens":5,"temperature":1}"#, FakeAnswer(headers: Self.json, body: [.bytes(Self.message)]))
        let sent = try #require(engine.upstream.sent.first)
        let body = try JSONValue(parsing: sent.body)
        #expect(body["max_tokens"]?.intValue == 77 && body["temperature"]?.doubleValue == 0.25 && body["top_k"]?.intValue == 5)
        #expect(sent.target == "/custom" && sent.request.endpoint.port == 99)
    }

    // MARK: Anthropic's clients

    @Test func `a client of Anthropic's format reaches Anthropic byte for byte`() async throws {
        let engine = try self.engine("llm_format: anthropic, \(Self.toClaude)")
        let (client, record) = try await self.send(engine, Self.question, headers: [("x-api-key", "client"), ("anthropic-beta", "b1")], FakeAnswer(headers: Self.json, body: [.bytes(Self.message)]))
        #expect(self.text(client) == Self.message)
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.body == Self.question)
        #expect(sent.values("x-api-key") == ["sk-up"])
        #expect(sent.values("anthropic-beta") == ["b1"])
        #expect(record.attempts[0].usage.input == 3)
        #expect(record.scopes.allSatisfy { $0.fields["pellucid.translation.format"] == nil })
        let (streamed, streamRecord) = try await self.send(engine, Self.question.replacing("9,", with: "9,\"stream\":true,"), FakeAnswer(headers: Self.events, body: self.pieces(Self.stream, of: 41)))
        #expect(self.text(streamed) == Self.stream)
        #expect(streamRecord.attempts[0].usage.output == 5)
        #expect(streamRecord.attemptTexts[0].finishReasons == "end_turn")
    }

    @Test func `counting tokens goes to its own path, without options of answers`() async throws {
        let engine = try self.engine("llm_format: anthropic, \(Self.toClaude.replacing("options: {", with: "options: {max_tokens: 5, temperature: 0.5, "))")
        let (client, record) = try await self.send(engine, Self.question, target: "/v1/messages/count_tokens", FakeAnswer(headers: Self.json, body: [.bytes(#"{"input_tokens":14}"#)]))
        #expect(self.text(client) == #"{"input_tokens":14}"#)
        #expect(engine.upstream.sent[0].target == "/v1/messages/count_tokens")
        #expect(engine.upstream.sent[0].body == Self.question)
        #expect(record.attempts[0].usage.source == .none)
    }

    @Test func `a client of Anthropic's format gets its answer from OpenAI`() async throws {
        let engine = try self.engine(Self.toGPT)
        let answer = #"{"id":"c","object":"chat.completion","created":1,"model":"gpt-1x","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"length"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#
        let (client, record) = try await self.send(engine, Self.question.replacing("claude-1", with: "gpt-1"), headers: [("x-api-key", "client")], FakeAnswer(headers: Self.json, body: [.bytes(answer)]))
        let message = try self.parsed(client)
        #expect(message["type"]?.stringValue == "message" && message["stop_reason"]?.stringValue == "max_tokens")
        #expect(message["content"]?[0]?["text"]?.stringValue == "Hi")
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.values("x-api-key").isEmpty)
        #expect(sent.target == "/v1/chat/completions")
        #expect(record.attemptTexts[0].finishReasons == "length")
    }

    @Test func `refusals of the gateway speak the client's format`() async throws {
        let engine = try self.engine(Self.toGPT)
        let unused = FakeAnswer()
        let (wrong, _) = try await self.send(engine, Self.question, unused)
        #expect(wrong.status == 400)
        #expect(try self.parsed(wrong)["type"]?.stringValue == "error")
        #expect(try self.parsed(wrong)["error"]?["type"]?.stringValue == "invalid_request_error")
        let (broken, _) = try await self.send(engine, "{", unused)
        #expect(try self.parsed(broken)["error"]?["type"]?.stringValue == "invalid_request_error")
        let exchange = try FakeExchange("POST", "/v1/messages", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(Self.question.replacing("claude-1", with: "gpt-1"))])
        engine.upstream.replies = [.fail(.readTimeout)]
        _ = try await engine.serve(exchange)
        #expect(exchange.status == 504)
        #expect(try self.parsed(exchange)["error"]?["type"]?.stringValue == "timeout_error")
    }

    @Test(arguments: ["ai-proxy, config: {route_type: llm/v1/chat, model: {provider: openai, name: m}}", "ai-proxy-advanced, config: {targets: [{route_type: llm/v1/chat, model: {provider: openai, name: m}}]}"])
    func `a format that is none is refused with the plugin's own settings`(plugin: String) {
        let problems = { (format: String) in
            EngineFixture.problems(
                "routes: [{name: r, paths: [/], plugins: [{name: \(plugin), _pellucid: {llm_format: \(format)}}]}]", plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        }
        #expect(problems("ollama").isEmpty, "\(problems("ollama"))")
        #expect(problems("lama").contains { $0.contains("_pellucid.llm_format") }, "\(problems("lama"))")
    }

    @Test(arguments: [
        ("llm_format: huggingface, model: {provider: openai, name: m}", "config.llm_format"),
        ("llm_format: anthropic, route_type: llm/v1/embeddings, model: {provider: openai, name: m}", "config.route_type"),
        (#"route_type: llm/v1/embeddings, model: {provider: anthropic, name: m, options: {anthropic_version: v}}"#, "config.route_type"),
    ])
    func `pairs that cannot meet are refused with the configuration`(config: String, path: String) {
        let problems = EngineFixture.problems(
            "routes: [{name: r, paths: [/], plugins: [{name: ai-proxy, config: {\(config.contains("route_type") ? "" : "route_type: llm/v1/chat, ")\(config)}}]}]",
            plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        #expect(problems.contains { $0.contains(path) }, "\(problems)")
    }
}

/// Kong's templates in a model's configuration.
@Suite struct ModelTemplateTests {
    private func send(_ config: String, path: String = "/m", target: String = "/m", headers: [(String, String)] = [], body: String = #"{"messages":[{"role":"user","content":"x"}]}"#) async throws -> (
        client: FakeExchange, sent: FakeUpstream.Sent?, record: RecordedRequest
    ) {
        let engine = try EngineFixture(
            "routes: [{name: r, paths: [\"\(path)\"], plugins: [{name: ai-proxy, config: {route_type: llm/v1/chat, \(config)}}]}]", plugins: PluginCatalog.plugins,
            providers: ProviderCatalog.directory)
        let exchange = try FakeExchange("POST", target, headers: [("Host", "g"), ("Content-Type", "application/json")] + headers, body: [.bytes(body)])
        let record = try await engine.serve(exchange, [.answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        return (exchange, engine.upstream.sent.first, record)
    }

    @Test(arguments: [
        ("$(headers.x-model)", "/m", "/m", "gpt-h"), ("$(headers[\\\"X-Model\\\"])", "/m", "/m", "gpt-h"), ("pre-$(query_params.q)-post", "/m", "/m?a=1&q=gpt%2Fq", "pre-gpt/q-post"),
        ("$(uri_captures.name)", "~/m/(?<name>[^/]+)$", "/m/gpt-u", "gpt-u"), ("$(uri_captures[1])", "~/m/([^/]+)$", "/m/gpt-1", "gpt-1"), ("$(headers", "/m", "/m", "$(headers"),
    ])
    func `a model's name is filled in by the request`(name: String, path: String, target: String, model: String) async throws {
        let (client, sent, record) = try await self.send(
            "model: {provider: openai, name: \"\(name)\"}", path: path.replacing("\\", with: "\\\\"), target: target, headers: [("x-model", "gpt-h")])
        #expect(client.status == 200)
        #expect(try JSONValue(parsing: try #require(sent).body)["model"]?.stringValue == model)
        #expect(client.field("x-kong-llm-model") == "openai/\(model)")
        #expect(record.attempts[0].isModelConfigured == (name == "$(headers"))
    }

    @Test func `an address is filled in too and no value leads elsewhere`() async throws {
        let azure = "model: {provider: azure, name: m, options: {azure_instance: \"$(headers.x-instance)\", azure_deployment_id: \"$(headers.x-model)\"}}"
        let sent = try #require(try await self.send(azure, headers: [("x-instance", "i1"), ("x-model", "../d?x#y/z")]).sent)
        #expect(sent.request.endpoint.host == "i1.openai.azure.com")
        #expect(sent.target == "/openai/deployments/..%2Fd%3Fx%23y%2Fz/chat/completions?api-version=2023-05-15")
        let hostile = try #require(try await self.send(azure, headers: [("x-instance", "evil.test/"), ("x-model", "d")]).sent)
        #expect(hostile.request.endpoint.host == "evil.test%2F.openai.azure.com")
    }

    @Test func `a request without the value is refused with its name`() async throws {
        let (client, sent, _) = try await self.send("model: {provider: openai, name: \"$(headers.x-model)\"}")
        #expect(client.status == 400)
        #expect(client.content.joined().contains("header \\\"x-model\\\""))
        #expect(sent == nil)
    }
}
