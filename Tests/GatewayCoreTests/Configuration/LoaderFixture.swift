import GatewayCore
import GatewayDocuments
import GatewayPatterns
import Testing

/// A plugin of the tests.
struct FixturePlugin: GatewayConfiguration, Equatable {
    enum Mode: String, CaseIterable, Sendable { case openai, azure, anthropic }
    let provider: Mode
    let key: String?
    let limit: Int
    let targets: [Mode]
    let redisHost: String?

    init(from node: inout ConfigurationNode) {
        self.provider = node.choice("provider", default: .openai)
        self.key = node.optionalString("key", referenceable: true)
        self.limit = node.int("limit", default: 10, in: 1...100)
        self.targets = node.objects("targets") { target in target.requiredObject("model") { $0.requiredChoice("provider", placeholder: .openai) } }
        self.redisHost = node.object("redis") { $0.optionalString("host") } ?? nil
    }
}

/// Loads texts the way the gateway does.
struct LoaderFixture {
    var environment: [String: String] = [:]
    /// What vaults of files find, by path.
    var files: [String: String] = [:]
    var options = ConfigurationLoaderOptions()
    var fileName = "kong.yaml"

    func load(_ text: String) throws(ConfigurationError) -> LoadedConfiguration {
        let plugins: [String: PluginDecoding] = [
            "key-auth": PluginDecoding(FixturePlugin.self, scopes: [.service, .route]), "ai-proxy": PluginDecoding(FixturePlugin.self),
            "file-log": PluginDecoding(FixturePlugin.self),
        ]
        let files = self.files
        let reader = SecretFileReader { path in files[path].map { .success($0) } ?? .failure(SecretFileReader.Failure(reason: "No such file or directory")) }
        let loader = ConfigurationLoader(
            plugins: plugins, documents: YAMLDocumentParser(), patterns: PCRE2PatternCompiler(), environment: self.environment, secretFiles: reader, options: self.options)
        return try loader.load(text: text, fileName: self.fileName)
    }

    /// Loads a body below a format version.
    func loadBody(_ body: String) throws(ConfigurationError) -> LoadedConfiguration {
        try self.load("_format_version: \"3.0\"\n\(body)\n")
    }

    func issues(_ body: String) -> [ConfigurationIssue] {
        do {
            return try self.loadBody(body).warnings
        } catch {
            return error.issues
        }
    }

    /// The problems as text, one each.
    func problems(_ body: String) -> [String] { self.issues(body).map(\.description) }
}
