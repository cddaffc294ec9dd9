package import GatewayBalancing
package import GatewayCore
import GatewayDocuments
import GatewayPatterns
import GatewayScripts
package import Telemetry
package import TelemetryTestSupport

/// The whole pipeline without sockets: a configuration in YAML, an upstream in memory, the evidence of every request.
package final class EngineFixture {
    package let registry = MetricRegistry()
    package let flow: EvidenceFlow
    package let upstream = FakeUpstream()
    package let sinks = FakeSinks()
    package let http = FakeHTTP()
    package let loop: LoopContext
    package let snapshot: GatewaySnapshot
    package let engine: RequestEngine
    private let consumer = KeepingConsumer()

    /// - Parameter body: what stands below `_format_version`.
    /// - Throws: the problems of the configuration.
    package init(
        _ body: String, plugins: [PluginRegistration] = [], providers: ProviderDirectory = ProviderDirectory([]), environment: [String: String] = [:], seed: UInt64 = 1,
        credentials: any CredentialDirectory = NoCredentials(), balancers: BalancerStore? = nil
    ) throws(ConfigurationError) {
        self.flow = EvidenceFlow(registry: self.registry, ringCapacity: 256)
        self.flow.addGlobal(self.consumer)
        self.loop = LoopContext(telemetry: self.flow.makeLoop(identifiers: IdentifierGenerator(seed: seed)), upstream: self.upstream)
        self.loop.dateField = "Sun, 06 Nov 1994 08:49:37 GMT"
        var options = ConfigurationLoaderOptions()
        options.defaultRouteProtocols = [.http, .https]
        let decodings = Dictionary(plugins.map { ($0.name, $0.decoding) }, uniquingKeysWith: { a, _ in a })
        let loader = ConfigurationLoader(
            plugins: decodings, documents: YAMLDocumentParser(), patterns: PCRE2PatternCompiler(), environment: environment, options: options)
        let loaded = try loader.load(text: "_format_version: \"3.0\"\n\(body)\n", fileName: "test.yaml")
        let builder = SnapshotBuilder(
            plugins: plugins, providers: providers, sinks: self.sinks, http: self.http, credentials: credentials, patterns: PCRE2PatternCompiler(), scripts: LuaEngine(),
            balancers: balancers ?? BalancerStore(registry: self.registry, caller: self.http), hash: FakeHash.digest)
        self.snapshot = try builder.build(loaded)
        self.engine = RequestEngine(snapshots: SnapshotStore(self.snapshot))
    }

    /// Serves one exchange to its end.
    ///
    /// - Returns: what was recorded of it.
    package func serve(_ exchange: FakeExchange, _ replies: [FakeUpstream.Reply] = []) async throws -> RecordedRequest {
        self.upstream.replies += replies
        let before = self.requests.count
        await self.engine.handle(exchange, on: self.loop)
        let requests = self.requests
        guard requests.count == before + 1, let last = requests.last else { throw NotRecordedOnce(count: requests.count - before) }
        return last
    }

    package struct NotRecordedOnce: Error { let count: Int }

    /// Everything recorded so far.
    package var requests: [RecordedRequest] {
        self.flow.drainOnce()
        return self.consumer.requests
    }

    /// The problems a configuration is refused for.
    package static func problems(_ body: String, plugins: [PluginRegistration] = [], providers: ProviderDirectory = ProviderDirectory([])) -> [String] {
        do throws(ConfigurationError) {
            _ = try EngineFixture(body, plugins: plugins, providers: providers)
            return []
        } catch { return error.issues.filter { $0.severity == .error }.map(\.description) }
    }
}
