import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct OpenTelemetryTests {
    private func isSampled(_ config: String, parent: Bool?) async throws -> Bool {
        let engine = try EngineFixture(
            """
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
}
