import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

/// The tier that a provider reports, in the cost and the span, wherever its format says it.
@Suite struct ServiceTierTests {
    private static let usage = #"{"prompt_tokens":1000,"completion_tokens":100}"#
    private static let chat = #"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":\#(usage),"service_tier":"flex"}"#
    private static let chunks =
        #"data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"service_tier":"flex"}"# + "\n\n"
        + #"data: {"id":"c","model":"m","choices":[],"usage":\#(usage)}"# + "\n\ndata: [DONE]\n\n"
    private static let message =
        #"{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1000,"output_tokens":100,"service_tier":"flex"}}"#
    private static let messageEvents =
        #"data: {"type":"message_start","message":{"id":"m","role":"assistant","model":"m","content":[],"usage":{"input_tokens":1000,"output_tokens":1,"service_tier":"flex"}}}"# + "\n\n"
        + #"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":100}}"# + "\n\n" + #"data: {"type":"message_stop"}"# + "\n\n"
    private static let gemini =
        #"{"candidates":[{"content":{"role":"model","parts":[{"text":"x"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"trafficType":"ON_DEMAND_FLEX"},"modelVersion":"m"}"#

    struct Case: CustomTestStringConvertible, Sendable {
        let provider: String
        var format = "openai"
        var type = "application/json"
        let answer: String
        var testDescription: String { "\(self.format) on \(self.provider), \(self.type)" }
    }

    static let cases = [
        Case(provider: "openai", answer: chat), Case(provider: "openai", type: "text/event-stream", answer: chunks), Case(provider: "openai", format: "anthropic", answer: chat),
        Case(provider: "openai", format: "anthropic", type: "text/event-stream", answer: chunks), Case(provider: "anthropic", answer: message),
        Case(provider: "anthropic", type: "text/event-stream", answer: messageEvents), Case(provider: "anthropic", format: "anthropic", answer: message),
        Case(provider: "anthropic", format: "anthropic", type: "text/event-stream", answer: messageEvents), Case(provider: "gemini", answer: gemini),
        Case(provider: "gemini", type: "text/event-stream", answer: "data: \(gemini)\n\n"),
    ]

    @Test(arguments: cases)
    func `a tier has its price`(test: Case) async throws {
        let options = test.provider == "anthropic" ? "anthropic_version: x, " : ""
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, config: {route_type: llm/v1/chat, llm_format: \(test.format), model: {provider: \(test.provider), name: m,
              options: {\(options)upstream_url: "http://p.test/x", input_cost: 2, output_cost: 10, service_tier_factor: [{tier: flex, factor: 0.5}]}}, auth: {header_name: k, header_value: v}}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let stream = test.type == "application/json" ? "" : #","stream":true"#
        let body = #"{"max_tokens":9,"messages":[{"role":"user","content":"hi"}]\#(stream)}"#
        let exchange = try FakeExchange("POST", "/x", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(body)])
        let record = try await engine.serve(exchange, [.answer(FakeAnswer(headers: [("Content-Type", test.type)], body: [.bytes(test.answer)]))])
        let attempt = try #require(record.attempts.first)
        #expect(attempt.usage.input == 1000 && attempt.usage.output == 100)
        #expect(abs(attempt.cost - (1000 * 2 + 100 * 10) / 1e6 * 0.5) < 1e-12)
        let name = test.provider == "openai" ? "openai.response.service_tier" : "pellucid.provider.service_tier"
        #expect(record.scopes.contains { $0.fields[name]?.lowercased().contains("flex") ?? false })
    }
}
