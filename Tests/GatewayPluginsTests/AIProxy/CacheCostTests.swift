import Foundation
import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

/// What writing to a provider's cache costs, by how long it is kept: Kong's `cache_write_cost_list`.
@Suite struct CacheCostTests {
    private static let anthropic =
        #"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","usage":{"input_tokens":100,"cache_read_input_tokens":0,"cache_creation_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":30,"ephemeral_1h_input_tokens":20},"output_tokens":10}}"#

    private func serve(_ costs: String, format: String = "anthropic") async throws -> (client: FakeExchange, record: RecordedRequest) {
        let engine = try EngineFixture(
            "routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, config: {route_type: llm/v1/chat, llm_format: \(format), auth: {header_name: x-api-key, header_value: k}, model: {provider: anthropic, name: claude-sonnet-4-6, options: {anthropic_version: v, \(costs)}}}}]}]",
            plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let isBedrock = format == "bedrock"
        let body = isBedrock ? #"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"# : #"{"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#
        let exchange = try FakeExchange(
            "POST", isBedrock ? "/x/model/claude-sonnet-4-6/converse" : "/x", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(body)])
        engine.upstream.replies = [.answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(Self.anthropic)]))]
        return (exchange, try await engine.serve(exchange))
    }

    // Prices a token, so that the sum is easily read: 100 plain input, 30 + 20 writes, 10 output.
    private static let plain = "input_cost: 1000000, output_cost: 1000000"
    private static let hour = "cache_write_cost_list: [{ttl: 1h, cost: 5000000}]"
    private static let cases: [(costs: String, expected: Double)] = [
        (Self.plain, 160), ("\(Self.plain), cache_write_cost: 2000000", 210),
        // 100 + 60 + 100 + 10
        ("\(Self.plain), cache_write_cost: 2000000, \(Self.hour)", 270),
        // 100 + 90 + 100 + 10
        ("\(Self.plain), cache_write_cost_list: [{ttl: 1h, cost: 5000000}, {ttl: 5m, cost: 3000000}]", 300),
        // Twice the input's prices: 200 + 60 + 200, and three times the output's: 30
        ("\(Self.plain), \(Self.hour), context_window_factor: [{above: '120', input_factor: 2, output_factor: 3}]", 490),
        // The built-in table: 3 $ a million, 3.75 for minutes and 6 for an hour, 15 for output.
        ("max_tokens: 9", 0.0006825),
    ]

    @Test(arguments: Self.cases) func `each lifetime has its price`(costs: String, expected: Double) async throws {
        let (_, record) = try await self.serve(costs)
        #expect(abs(record.attempts[0].cost - expected) < 1e-9, "\(record.attempts[0].cost)")
        #expect(record.attempts[0].usage.cacheWrites == 50 && record.attempts[0].usage.hourCacheWrites == 20)
    }

    @Test func `clients of other formats learn of the lifetimes where their format has a place for them`() async throws {
        let (client, _) = try await self.serve("max_tokens: 9", format: "bedrock")
        let usage = (try JSONSerialization.jsonObject(with: Data(client.content.joined().utf8)) as? NSDictionary)?["usage"] as? NSDictionary
        #expect(usage?["cacheWriteInputTokens"] as? Int == 50)
        let details = usage?["cacheDetails"] as? [NSDictionary] ?? []
        #expect(details.map { $0["ttl"] as? String } == ["1h", "5m"] && details.map { $0["inputTokens"] as? Int } == [20, 30])
    }
}
