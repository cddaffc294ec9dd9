import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// Handshakes of realtime sessions, up to the provider's answer; sessions themselves are tested end to end.
@Suite struct RealtimeTests {
    private static let handshake = [
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ]

    private func send(
        _ target: String = "/v1/realtime", model: String = "{provider: openai}", auth: String = "{header_name: Authorization, header_value: Bearer sk}",
        headers: [(String, String)] = Self.handshake, method: String = "GET", answer: FakeAnswer = FakeAnswer(401, headers: [("Content-Type", "application/json")], body: [.bytes("{}")])
    ) async throws -> (client: FakeExchange, sent: FakeUpstream.Sent?, record: RecordedRequest) {
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/v1/realtime], plugins: [{name: ai-proxy, config: {route_type: realtime/v1/realtime, model: \(model), auth: \(auth)}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        let exchange = try FakeExchange(method, target, headers: [("Host", "g"), ("Authorization", "Bearer client")] + headers)
        exchange.canSwitchProtocols = true
        let record = try await engine.serve(exchange, [.answer(answer)])
        return (exchange, engine.upstream.sent.first, record)
    }

    @Test func `a handshake goes on with the gateway's key and without compression`() async throws {
        let (client, first, record) = try await self.send("/v1/realtime?model=gpt-realtime&x=1")
        let sent = try #require(first)
        #expect(client.status == 401)
        #expect(sent.target == "/v1/realtime?model=gpt-realtime&x=1")
        #expect(sent.values("authorization") == ["Bearer sk"])
        #expect(sent.values("upgrade") == ["websocket"] && sent.values("connection") == ["Upgrade"])
        #expect(sent.values("sec-websocket-key") == ["MDEyMzQ1Njc4OWFiY2RlZg=="] && sent.values("sec-websocket-version") == ["13"])
        #expect(sent.values("sec-websocket-extensions").isEmpty)
        guard case .none = sent.request.body else { return #expect(Bool(false), "a handshake has no content") }
        #expect(record.attemptTexts[0].requestModel == "gpt-realtime")
    }

    @Test(arguments: [
        ("{provider: openai, name: m-1}", "", "/v1/realtime?model=m-1"), ("{provider: openai, name: m-1}", "?model=m-1", "/v1/realtime?model=m-1"),
        ("{provider: openai, name: m-1, model_alias: fast}", "?model=fast&a=b", "/v1/realtime?model=m-1&a=b"), ("{provider: openai, name: a b}", "", "/v1/realtime?model=a%20b"),
        ("{provider: openai}", "?call_id=c-1", "/v1/realtime?call_id=c-1"), ("{provider: openai, name: m-1}", "?intent=transcription", "/v1/realtime?intent=transcription"),
        ("{provider: openai, name: m-1, options: {upstream_url: \"https://u.test/live?model=own&k=v\"}}", "?model=m-1&k=w&c=d", "/live?model=own&k=v&c=d"),
        ("{provider: xai, name: grok}", "", "/v1/realtime?model=grok"),
        (
            "{provider: azure, name: m-1, options: {azure_instance: i, azure_deployment_id: d, azure_api_version: 2025-04-01-preview}}", "?deployment=other&api-version=x&model=m-1",
            "/openai/realtime?api-version=2025-04-01-preview&deployment=d"
        ),
        ("{provider: openai, name: \"$(query_params.which)\"}", "?which=m-7", "/v1/realtime?model=m-7&which=m-7"),
    ])
    func `the model stands where its provider looks for it`(model: String, query: String, expected: String) async throws {
        #expect(try await self.send("/v1/realtime" + query, model: model).sent?.target == expected)
    }

    @Test(arguments: [("{provider: openai}", ""), ("{provider: openai, name: m-1}", "?model=other")])
    func `no model, or another one, is refused`(model: String, query: String) async throws {
        let (client, sent, _) = try await self.send("/v1/realtime" + query, model: model)
        #expect(client.status == 400 && sent == nil)
        #expect(client.body.contains(#""param":"model""#))
    }

    @Test func `a browser's key among the subprotocols stays here`() async throws {
        let protocols = ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.client-key,openai-beta.realtime-v1")
        let (_, kept, _) = try await self.send(model: "{provider: openai, name: m}", headers: Self.handshake + [protocols])
        #expect(kept?.values("sec-websocket-protocol") == ["realtime, openai-beta.realtime-v1"])
        #expect(kept?.values("authorization") == ["Bearer sk"])
        let own = "{header_name: X-Key, header_value: sk, allow_override: true}"
        let (_, passed, _) = try await self.send(model: "{provider: openai, name: m}", auth: own, headers: Self.handshake + [protocols])
        #expect(passed?.values("sec-websocket-protocol") == [protocols.1])
        #expect(passed?.values("x-key") == [])
    }

    @Test func `what opens no WebSocket is refused before the provider sees it`() async throws {
        let plain = try await self.send("/v1/realtime?model=m", headers: [])
        #expect(plain.client.status == 426 && plain.client.field("upgrade") == "websocket" && plain.sent == nil)
        #expect(plain.record.errorType == "websocket_required")
        let old = try await self.send("/v1/realtime?model=m", headers: Self.handshake.map { $0.0 == "Sec-WebSocket-Version" ? ($0.0, "8") : $0 })
        #expect(old.client.status == 426 && old.client.field("sec-websocket-version") == "13" && old.sent == nil)
        let keyless = try await self.send("/v1/realtime?model=m", headers: Self.handshake.filter { $0.0 != "Sec-WebSocket-Key" })
        #expect(keyless.client.status == 400 && keyless.sent == nil)
    }

    @Test func `an answer that is no switch goes to the client as it is`() async throws {
        let answer = FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes(#"{"usage":{"input_tokens":3}}"#)])
        let (client, _, record) = try await self.send("/v1/realtime?model=m", answer: answer)
        #expect(client.status == 200 && client.body.contains("usage"))
        #expect(record.attempts[0].usage.source == .none)
    }

    @Test func `providers without it are refused by the configuration`() {
        let problems = EngineFixture.problems(
            "routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, config: {route_type: realtime/v1/realtime, model: {provider: anthropic, name: m, options: {anthropic_version: x}}}}]}]",
            plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        #expect(problems.contains { $0.contains("realtime/v1/realtime is served by providers that speak OpenAI's format") })
    }
}
