import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import Telemetry
import TelemetryTestSupport
import Testing

/// What a provider's answer says of its limits, on the attempt and in the gauges; and what becomes of errors within streams that pass as they are.
@Suite struct ProviderLimitTests {
    private static func engine(_ provider: String = "openai", more: String = "") throws(ConfigurationError) -> EngineFixture {
        let format = provider == "openai" ? "" : "llm_format: \(provider), "
        return try EngineFixture(
            "routes: [{name: r, paths: [/v1], plugins: [{name: ai-proxy, config: {route_type: llm/v1/chat, \(format)model: {provider: \(provider), name: m\(more)}}}]}]",
            plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    private static func send(_ engine: EngineFixture, stream: Bool = false, _ answers: FakeAnswer...) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let body = #"{"model":"m","max_tokens":9,"stream":\#(stream),"messages":[{"role":"user","content":"hi"}]}"#
        let exchange = try FakeExchange("POST", "/v1/x", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(body)])
        return (exchange, try await engine.serve(exchange, answers.map { .answer($0) }))
    }

    private static func attempt(_ record: RecordedRequest, _ number: Int = 0) throws -> [String: String] {
        let attempts = record.scopes.filter { $0.evidence.kind == .attempt }
        try #require(attempts.count > number)
        return attempts[number].fields.filter { $0.key.hasPrefix("pellucid.provider.r") }
    }

    private static let json = [("Content-Type", "application/json")]
    private static let openAI = [
        ("x-ratelimit-limit-requests", "5000"), ("X-RateLimit-Remaining-Requests", "4999"), ("x-ratelimit-limit-tokens", "160000"), ("x-ratelimit-remaining-tokens", "-1"),
        ("x-ratelimit-reset-requests", "12ms"), ("x-ratelimit-remaining-tokens_usage_based", "7"),
    ]
    private static let anthropic = [
        ("anthropic-ratelimit-requests-limit", "50"), ("anthropic-ratelimit-requests-remaining", "49"), ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z"),
        ("anthropic-ratelimit-input-tokens-limit", "40000"), ("anthropic-ratelimit-input-tokens-remaining", "39000"), ("anthropic-ratelimit-output-tokens-remaining", "8000"),
        ("anthropic-ratelimit-tokens-remaining", "47000"),
    ]

    @Test func `OpenAI's fields are read`() async throws {
        let engine = try Self.engine()
        let (_, record) = try await Self.send(engine, FakeAnswer(headers: Self.json + Self.openAI, body: [.bytes("{}")]))
        #expect(
            try Self.attempt(record) == [
                "pellucid.provider.ratelimit.limit.requests": "5000", "pellucid.provider.ratelimit.remaining.requests": "4999", "pellucid.provider.ratelimit.limit.tokens": "160000",
            ])
        #expect(engine.registry.total("pellucid.provider.ratelimit.remaining", where: ["gen_ai.provider.name": "openai", "gen_ai.request.model": "m"]) == 4_999)
        #expect(engine.registry.total("pellucid.provider.ratelimit.limit", where: ["pellucid.provider.ratelimit.kind": "tokens"]) == 160_000)
    }

    @Test func `Anthropic's fields are read, in streams too`() async throws {
        let engine = try Self.engine("anthropic", more: ", options: {anthropic_version: \"2023-06-01\"}")
        let (_, record) = try await Self.send(engine, stream: true, FakeAnswer(headers: [("Content-Type", "text/event-stream")] + Self.anthropic, body: [.bytes("data: {\"type\":\"ping\"}\n\n")]))
        #expect(
            try Self.attempt(record) == [
                "pellucid.provider.ratelimit.limit.requests": "50", "pellucid.provider.ratelimit.remaining.requests": "49", "pellucid.provider.ratelimit.limit.input_tokens": "40000",
                "pellucid.provider.ratelimit.remaining.input_tokens": "39000", "pellucid.provider.ratelimit.remaining.output_tokens": "8000",
                "pellucid.provider.ratelimit.remaining.tokens": "47000",
            ])
        #expect(engine.registry.points("pellucid.provider.ratelimit.remaining").count == 4)
    }

    @Test func `an answer without them says nothing`() async throws {
        let engine = try Self.engine()
        let (_, record) = try await Self.send(engine, FakeAnswer(headers: Self.json + [("x-ratelimit-reset-tokens", "1s")], body: [.bytes("{}")]))
        #expect(try Self.attempt(record).isEmpty)
        #expect(!record.attempts[0].hasProviderLimits && engine.registry.points("pellucid.provider.ratelimit.limit").isEmpty)
    }

    @Test(arguments: [("Retry-After", "7", "7.0"), ("retry-after-ms", "1500", "1.5"), ("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT", nil), ("Retry-After", "-3", nil)] as [(String, String, String?)])
    func `when to come again is told`(name: String, value: String, seconds: String?) async throws {
        let (_, record) = try await Self.send(try Self.engine(), FakeAnswer(429, headers: Self.json + [(name, value)], body: [.bytes(#"{"error":{"message":"slow"}}"#)]))
        #expect(try Self.attempt(record)["pellucid.provider.retry_after"] == seconds)
    }

    @Test func `an attempt whose answer another target replaces has them too`() async throws {
        let target = #"{route_type: llm/v1/chat, auth: {header_name: Authorization, header_value: Bearer k}, model: {provider: openai, name: m}}"#
        let engine = try EngineFixture(
            "routes: [{name: r, paths: [/v1], plugins: [{name: ai-proxy-advanced, config: {balancer: {retries: 2, failover_criteria: [http_429, non_idempotent]}, targets: [\(target), \(target)]}}]}]",
            plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let (client, record) = try await Self.send(
            engine, FakeAnswer(429, headers: Self.json + Self.openAI + [("Retry-After", "3"), ("x-request-id", "req-1")], body: [.bytes("{}")]),
            FakeAnswer(headers: Self.json, body: [.bytes("{}")]))
        #expect(client.status == 200 && record.attempts.count == 2)
        #expect(try Self.attempt(record)["pellucid.provider.ratelimit.remaining.requests"] == "4999" && Self.attempt(record)["pellucid.provider.retry_after"] == "3.0")
        #expect(record.attemptTexts[0].providerRequestID == "req-1")
        #expect(try Self.attempt(record, 1).isEmpty)
    }

    // MARK: Errors within streams

    private static let chunk = "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"

    @Test func `an error inside a stream that passes as it is has failed the request`() async throws {
        let (client, record) = try await Self.send(
            try Self.engine(), stream: true, FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: [.bytes(Self.chunk), .bytes("data: {\"error\":{\"message\":\"no\"}}\n\n")]))
        #expect(client.content.joined() == Self.chunk + "data: {\"error\":{\"message\":\"no\"}}\n\n" && client.isFinished)
        #expect(record.root.outcome == .failed && record.errorType == "provider_stream_error" && record.attemptTexts[0].errorType == "provider_stream_error")
    }

    @Test(arguments: ["data: [DONE]\n", "data: [DONE]", "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n", "data: {\"choices\":[{\"del"])
    func `stages see a last event without an end, and half an event nobody sees`(last: String) async throws {
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/v1], plugins: [{name: ai-sanitizer, config: {anonymize: [email], recover_redacted: true}},
              {name: ai-proxy, config: {route_type: llm/v1/chat, model: {provider: openai, name: m}}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let body = #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"write to ann@example.com"}]}"#
        let exchange = try FakeExchange("POST", "/v1/x", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(body)])
        let record = try await engine.serve(exchange, [.answer(FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: [.bytes(Self.chunk + last)]))])
        let text = exchange.content.joined()
        let isWhole = !last.hasSuffix("del")
        #expect(text.contains(last.split(separator: "\n")[0]) == isWhole, "\(text)")
        if last.contains("usage") { #expect(record.attempts[0].usage.output == 4 && record.attempts[0].usage.source == .providerReported) }
    }
}
