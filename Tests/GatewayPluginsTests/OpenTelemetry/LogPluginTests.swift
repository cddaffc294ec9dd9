import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import Testing

@Suite struct LogPluginTests {
    /// Kong's schemas have no upper limit here, and numbers of any size arrive from files.
    @Test(arguments: [
        "{name: http-log, config: {http_endpoint: \"http://c/\", timeout: 1e300}}", "{name: tcp-log, config: {host: c, port: 1, timeout: 1e300}}",
        "{name: udp-log, config: {host: c, port: 1, timeout: -1}}",
    ])
    func `a timeout that is none is a problem and no trap`(_ plugin: String) {
        let problems = EngineFixture.problems("plugins: [\(plugin)]", plugins: PluginCatalog.plugins)
        #expect(problems.count == 1 && problems[0].contains("timeout"), "\(problems)")
    }

    @Test func `Lua that does not run is named as refused, though an empty map is taken`() throws {
        guard case .refused(let reason) = try Self.treatment("opentelemetry", "access_logs.custom_attributes_by_lua") else {
            Issue.record("not refused")
            return
        }
        #expect(reason.hasPrefix("is Lua code"))
    }

    @Test func `what a spool changes is told`() throws {
        guard case .warned(let retries) = try Self.treatment("http-log", "queue.max_retry_time") else {
            Issue.record("not warned of")
            return
        }
        #expect(retries.contains("_pellucid.spool.maximum_age_seconds"))
        #expect(try Self.treatment("opentelemetry", "send_timeout") == .honoured)
        #expect(try Self.treatment("zipkin", "propagation") == .honoured)
    }

    @Test func `where a certificate stands in the file makes no other sink`() throws {
        let id = "8e4f7d8a-3f2f-4c4b-9a1d-0a9f1f0c2b22"
        let certificates = "certificates: [{id: \(id), cert: \"-----BEGIN X-----\\n-----END X-----\", key: \"-----BEGIN X-----\\n-----END X-----\"}]"
        let plugins = "plugins: [{name: http-log, config: {http_endpoint: \"https://c/\", client_certificate: {id: \(id)}}}]"
        let (one, other) = (try EngineFixture("\(certificates)\n\(plugins)", plugins: PluginCatalog.plugins), try EngineFixture("\(plugins)\n\n\n\(certificates)", plugins: PluginCatalog.plugins))
        #expect(one.sinks.names == other.sinks.names && one.sinks.names.contains { $0.contains("BEGIN X") })
    }

    private static let survey = ConfigurationSurvey(plugins: Dictionary(PluginCatalog.plugins.map { ($0.name, $0.decoding) }, uniquingKeysWith: { a, _ in a }))
        .pluginConfigurations()

    private static func treatment(_ plugin: String, _ field: String) throws -> ConfigurationSurvey.Treatment {
        try #require(self.survey.first { $0.name == plugin }?.fields.first { $0.name == field }?.treatment)
    }
}
