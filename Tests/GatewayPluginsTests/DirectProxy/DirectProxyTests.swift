import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct DirectProxyTests {
    private func engine(_ route: String = "llm/v1/chat", more: String = "") throws(ConfigurationError) -> EngineFixture {
        try EngineFixture(
            """
            routes:
            - name: direct
              paths: [/v1]
              plugins:
              - name: pellucid-direct
                config: {route_type: \(route), providers: [{name: openai, key: sk-1}, {name: mistral, key: sk-2, base_url: "http://mistral.test/v1"}]\(more)}
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    private func send(_ engine: EngineFixture, _ body: String, headers: [(String, String)] = []) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", "/v1/chat/completions", headers: [("Host", "h")] + headers, body: [.bytes(body)])
        engine.upstream.replies = [.answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))]
        return (exchange, try await engine.serve(exchange))
    }

    @Test func `the model's name says which provider`() async throws {
        let engine = try self.engine()
        let (client, record) = try await self.send(engine, #"{"model":"openai/gpt-4o","messages":[{}]}"#, headers: [("Authorization", "Bearer client")])
        #expect(client.status == 200)
        #expect(client.field("x-kong-llm-model") == "openai/gpt-4o")
        #expect(engine.upstream.sent[0].body.contains(#""model":"gpt-4o""#))
        #expect(engine.upstream.sent[0].values("authorization") == ["Bearer sk-1"])
        #expect(record.upstreamURI == "https://api.openai.com/v1/chat/completions")
        _ = try await self.send(engine, #"{"model":"mistral/large/v2","messages":[{}]}"#)
        #expect(engine.upstream.sent[1].body.contains(#""model":"large/v2""#) || engine.upstream.sent[1].body.contains(#""model":"large\/v2""#))
        #expect(engine.upstream.sent[1].values("authorization") == ["Bearer sk-2"])
        #expect(engine.upstream.sent[1].request.endpoint.host == "mistral.test")
        #expect(engine.upstream.sent[1].target == "/v1/chat/completions")
    }

    @Test func `providers of other formats are translated to and from`() async throws {
        let engine = try EngineFixture(
            """
            routes:
            - {name: chat, paths: [/v1/chat], plugins: [{name: pellucid-direct, config: {route_type: llm/v1/chat, providers: [{name: anthropic, key: sk-a}, {name: gemini, key: sk-g}]}}]}
            - {name: messages, paths: [/v1/messages], plugins: [{name: pellucid-direct, config: {route_type: llm/v1/chat, llm_format: anthropic, client_key: me, providers: [{name: openai, key: sk-o}]}}]}
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let json = [("Content-Type", "application/json")]
        let message = #"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}"#
        let first = try FakeExchange("POST", "/v1/chat/completions", headers: [("Host", "h")] + json, body: [.bytes(#"{"model":"anthropic/claude-x","messages":[{"role":"user","content":"x"}]}"#)])
        _ = try await engine.serve(first, [.answer(FakeAnswer(headers: json, body: [.bytes(message)]))])
        #expect(first.body.contains(#""content":"Hi""#))
        #expect(engine.upstream.sent[0].target == "/v1/messages")
        #expect(engine.upstream.sent[0].values("x-api-key") == ["sk-a"])
        #expect(engine.upstream.sent[0].values("anthropic-version") == ["2023-06-01"])
        let second = try FakeExchange(
            "POST", "/v1/chat/completions", headers: [("Host", "h")] + json, body: [.bytes(#"{"model":"gemini/gemini-x","stream":true,"messages":[{"role":"user","content":"x"}]}"#)])
        _ = try await engine.serve(second, [.fail(.connectRefused)])
        #expect(engine.upstream.sent[1].target == "/v1beta/models/gemini-x:streamGenerateContent?alt=sse")
        #expect(engine.upstream.sent[1].values("x-goog-api-key") == ["sk-g"])
        let third = try FakeExchange(
            "POST", "/v1/messages", headers: [("Host", "h"), ("x-api-key", "me")] + json, body: [.bytes(#"{"model":"openai/gpt-x","max_tokens":5,"messages":[{"role":"user","content":"x"}]}"#)])
        let completion = #"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Yo"},"finish_reason":"stop"}]}"#
        _ = try await engine.serve(third, [.answer(FakeAnswer(headers: json, body: [.bytes(completion)]))])
        #expect(third.body.contains(#"{"type":"text","text":"Yo"}"#))
        #expect(engine.upstream.sent.last?.values("authorization") == ["Bearer sk-o"])
        #expect(engine.upstream.sent.last?.values("x-api-key") == [])
    }

    @Test(arguments: [
        (#"{"model":"gpt-4o","messages":[{}]}"#, 400, "invalid_model"), (#"{"model":"nobody/gpt","messages":[{}]}"#, 404, "unknown_provider"), (#"{"model":"openai/","messages":[{}]}"#, 404, "unknown_provider"),
        (#"{"messages":[{}]}"#, 400, "invalid_model"), (#"{"model":"openai/x"}"#, 400, "missing_prompt"), ("[]", 400, "missing_prompt"),
    ])
    func `what names no model is refused and told which providers there are`(body: String, status: Int, code: String) async throws {
        let (client, record) = try await self.send(try self.engine(), body)
        #expect(client.status == status)
        #expect(record.errorType == code)
        #expect(!client.body.contains("sk-"))
    }

    @Test func `what is no JSON is told where`() async throws {
        let (client, _) = try await self.send(try self.engine(), "{nope")
        #expect(client.status == 400)
        #expect(client.body.contains("at byte 1"))
    }

    @Test func `with a client key nobody gets in without it`() async throws {
        let engine = try self.engine(more: ", client_key: letmein")
        let body = #"{"model":"openai/gpt-4o","messages":[{}]}"#
        for headers in [[], [("Authorization", "Bearer wrong")], [("Authorization", "letmein")], [("Authorization", "Bearer letmein ")]] as [[(String, String)]] {
            let (client, record) = try await self.send(engine, body, headers: headers)
            #expect(client.status == (headers.first?.1 == "Bearer letmein " ? 200 : 401), "\(headers)")
            if client.status == 401 { #expect(record.errorType == "invalid_api_key") }
        }
        #expect(try await self.send(engine, body, headers: [("Authorization", "Bearer letmein")]).client.status == 200)
    }

    @Test func `models of all providers are listed with their provider's name`() async throws {
        let engine = try self.engine("models")
        engine.http.on("https://api.openai.com/v1/models", json: #"{"data":[{"id":"gpt-4o"},{"id":"o\"dd"}]}"#)
        engine.http.on("http://mistral.test/v1/models", json: #"{"data":[{"id":"large"}]}"#)
        let exchange = try FakeExchange("GET", "/v1/models")
        let record = try await engine.serve(exchange)
        #expect(exchange.status == 200)
        #expect(exchange.body.contains(#"{"id":"openai/gpt-4o","object":"model","created":0,"owned_by":"openai"}"#) || exchange.body.contains(#""id":"openai\/gpt-4o""#))
        #expect(exchange.body.contains(#"o\"dd"#))
        #expect(engine.http.calls.map { $0.header("authorization") } == ["Bearer sk-1", "Bearer sk-2"])
        #expect(record.summary == ["answered 200", "stage pellucid-direct request: answered, respond/answer", "call list_models: passed", "call list_models: passed"])
    }

    @Test func `a provider that does not answer offers no models, and its call says why`() async throws {
        let engine = try self.engine("models")
        engine.http.on("https://api.openai.com/v1/models") { _ in .failure(HTTPCallFailure(.timeout)) }
        engine.http.on("http://mistral.test/v1/models", json: #"{"data":[{"id":"large"}]}"#)
        let exchange = try FakeExchange("GET", "/v1/models")
        let record = try await engine.serve(exchange)
        #expect(exchange.body.contains("mistral/large") || exchange.body.contains(#"mistral\/large"#))
        #expect(!exchange.body.contains("openai"))
        #expect(record.summary.filter { $0.hasPrefix("call") } == ["call list_models: failed, timeout", "call list_models: passed"])
        #expect(record.scopes.filter { $0.evidence.kind == .call }.map { $0.fields["server.address"] } == ["api.openai.com", "mistral.test"])
    }

    @Test func `an unknown provider is refused when the configuration is loaded`() {
        let problems = EngineFixture.problems(
            "routes: [{name: r, paths: [/], plugins: [{name: pellucid-direct, config: {route_type: llm/v1/chat, providers: [{name: nobody, key: k}]}}]}]", plugins: PluginCatalog.plugins,
            providers: ProviderCatalog.directory)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("\"nobody\" is not a provider") == true)
    }
}
