import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct OpenTelemetryTests {
    private func isSampled(_ config: String, parent: Bool?, settings: String = "") async throws -> Bool {
        let engine = try EngineFixture(
            """
            \(settings)
            services: [{name: s, url: "http://origin.test/", routes: [{name: r, paths: [/api]}], \
            plugins: [{name: opentelemetry, config: {traces_endpoint: "http://c:4318/v1/traces", \(config)}}]}]
            """, plugins: PluginCatalog.plugins)
        engine.upstream.replies = [.answer(FakeAnswer(body: [.bytes("answer")]))]
        let trace = parent.map { [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\($0 ? 1 : 0)")] } ?? []
        let record = try await engine.serve(try FakeExchange("GET", "/api", headers: [("Host", "gateway.test")] + trace))
        #expect(engine.upstream.sent.first?.request.trace?.isSampled == record.root.isSampled)
        return record.root.isSampled
    }

    @Test(arguments: ["", ", sampling_strategy: parent_drop_probability_fallback"])
    func `by default a caller's no is followed and its yes leaves it to the rate`(strategy: String) async throws {
        #expect(try await !self.isSampled("sampling_rate: 1" + strategy, parent: false))
        #expect(try await self.isSampled("sampling_rate: 1" + strategy, parent: true))
        #expect(try await !self.isSampled("sampling_rate: 0" + strategy, parent: true))
        #expect(try await self.isSampled("sampling_rate: 1" + strategy, parent: nil))
        #expect(try await !self.isSampled("sampling_rate: 0" + strategy, parent: nil))
    }

    @Test func `with the other strategy a caller's decision is followed either way`() async throws {
        let strategy = ", sampling_strategy: parent_probability_fallback"
        #expect(try await !self.isSampled("sampling_rate: 1" + strategy, parent: false))
        #expect(try await self.isSampled("sampling_rate: 0" + strategy, parent: true))
        #expect(try await self.isSampled("sampling_rate: 1" + strategy, parent: nil))
        #expect(try await !self.isSampled("sampling_rate: 0" + strategy, parent: nil))
    }

    @Test func `without a rate the strategy decides over callers and the gateway's share over the rest`() async throws {
        let (drop, follow) = ("sampling_strategy: parent_drop_probability_fallback", "sampling_strategy: parent_probability_fallback")
        // The gateway's own rule follows a caller's yes; this strategy leaves it to the share.
        #expect(try await !self.isSampled(drop, parent: true, settings: "_pellucid: {sampling: {ratio: 0}}"))
        #expect(try await self.isSampled(drop, parent: true))
        #expect(try await !self.isSampled(drop, parent: false, settings: "_pellucid: {sampling: {follow_parent: false}}"))
        #expect(try await self.isSampled(follow, parent: true, settings: "_pellucid: {sampling: {ratio: 0, follow_parent: false}}"))
        #expect(try await !self.isSampled(follow, parent: nil, settings: "_pellucid: {sampling: {ratio: 0}}"))
    }

    @Test func `without a rate and a strategy the gateway's own rule holds`() async throws {
        let config = "connect_timeout: 1"
        #expect(try await self.isSampled(config, parent: true, settings: "_pellucid: {sampling: {ratio: 0}}"))
        #expect(try await self.isSampled(config, parent: false, settings: "_pellucid: {sampling: {follow_parent: false}}"))
    }

    @Test func `all three timeouts count`() throws {
        let engine = try EngineFixture(
            """
            plugins: [{name: opentelemetry, config: {traces_endpoint: "http://c:4318/v1/traces", connect_timeout: 100, send_timeout: 20, read_timeout: 3}}]
            """, plugins: PluginCatalog.plugins)
        let settings = try #require(engine.sinks.traceSettings.first)
        #expect(settings.connectTimeoutMilliseconds == 100)
        #expect(settings.timeoutMilliseconds == 23)
    }
}
