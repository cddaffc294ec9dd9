import GatewayBalancing
import GatewayCore
import GatewayCredentials
import GatewayDocuments
import GatewayPatterns
import GatewayPlugins
import GatewayProviders
import GatewayScripts
import Telemetry

/// Reads a configuration and makes a snapshot of it, with everything this build has.
struct ConfigurationAssembly: Sendable {
    private let loader: ConfigurationLoader
    private let builder: SnapshotBuilder
    let certificates: CertificateAssembly
    private let balancers: BalancerStore
    /// Of the configuration that was loaded last.
    let secretFiles = SecretFiles()

    /// What a configuration makes: what requests are served by, and what clients are shown.
    struct Built {
        let snapshot: GatewaySnapshot
        let certificates: CertificateAssembly.Made
    }

    init(
        environment: [String: String], options: ConfigurationLoaderOptions, sinks: any SinkDirectory, http: any HTTPCaller = NoOutsideCalls(), registry: MetricRegistry? = nil
    ) {
        self.certificates = CertificateAssembly(environment: environment)
        let patterns = PCRE2PatternCompiler()
        let decodings = Dictionary(PluginCatalog.plugins.map { ($0.name, $0.decoding) }, uniquingKeysWith: { a, _ in a })
        self.loader = ConfigurationLoader(plugins: decodings, documents: YAMLDocumentParser(), patterns: patterns, environment: environment, secretFiles: SecretFileReader { [secretFiles] in secretFiles.read($0) }, options: options)
        let hash = SecretHash()
        self.balancers = BalancerStore(registry: registry, caller: http)
        self.builder = SnapshotBuilder(
            plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory, sinks: sinks, http: http,
            credentials: Self.credentials(environment, http), patterns: patterns, scripts: LuaEngine(), balancers: self.balancers,
            hash: { hash.digest($0) })
    }

    /// The outside that cloud credentials come from.
    private static func credentials(_ environment: [String: String], _ http: any HTTPCaller) -> CredentialStore {
        CredentialStore(
            CredentialEnvironment(
                variables: environment,
                file: { path in do throws(FileReader.Failure) { return try FileReader.text(path) } catch { return nil } },
                wallClock: { MonotonicClock.wall() }, http: HTTPService(http)))
    }

    /// Where spans go that no request's own evidence holds: of mirrored copies.
    func setSpans(_ sink: (any LibrarySpanSink)?) { self.balancers.setSpans(sink) }

    func load(_ source: ConfigurationSource) throws(ConfigurationError) -> LoadedConfiguration {
        self.secretFiles.begin()
        switch source {
        case .text(let text, let name): return try self.loader.load(text: text, fileName: name)
        case .file(let path):
            let text: String
            do throws(FileReader.Failure) { text = try FileReader.text(path) } catch {
                throw ConfigurationError(issues: [ConfigurationIssue(path: "", line: 0, problem: error.description)])
            }
            return try self.loader.load(text: text, fileName: path)
        }
    }

    func build(_ loaded: LoadedConfiguration) throws(ConfigurationError) -> Built {
        let certificates = try self.certificates.make(loaded.configuration)
        return Built(snapshot: try self.builder.build(loaded), certificates: certificates)
    }
}
