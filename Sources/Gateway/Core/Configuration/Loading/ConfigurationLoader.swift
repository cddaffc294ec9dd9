/// Loads declarative configuration files.
///
/// Pure: it reads no file, no clock and no environment of its own; everything arrives as a parameter. Loading a file with 10,000 routes
/// takes some hundred milliseconds, so it belongs on a thread that serves no requests.
public struct ConfigurationLoader: Sendable {
    private let plugins: [String: PluginDecoding]
    private let documents: any DocumentParser
    private let patterns: any PatternCompiler
    private let environment: [String: String]
    private let secretFiles: SecretFileReader?
    private let options: ConfigurationLoaderOptions

    /// A loader.
    ///
    /// - Parameters:
    ///   - plugins: the plugins the gateway has, by name.
    ///   - documents: reads YAML and JSON.
    ///   - patterns: checks regular expressions.
    ///   - environment: what templates and vault references may read.
    ///   - secretFiles: reads the files of vaults of the type `fs`; nil: such vaults cannot be used.
    public init(
        plugins: [String: PluginDecoding], documents: any DocumentParser, patterns: any PatternCompiler, environment: [String: String],
        secretFiles: SecretFileReader? = nil, options: ConfigurationLoaderOptions = ConfigurationLoaderOptions()
    ) {
        self.plugins = plugins
        self.documents = documents
        self.patterns = patterns
        self.environment = environment
        self.secretFiles = secretFiles
        self.options = options
    }

    /// Loads one file.
    ///
    /// - Throws: every problem of the file at once, warnings among them, in the order of the lines.
    public func load(text: String, fileName: String) throws(ConfigurationError) -> LoadedConfiguration {
        var secrets = SecretResolver(environment: self.environment)
        secrets.files = self.secretFiles
        let documents = self.documents
        secrets.jsonField = { json, key in
            guard let document = try? documents.parse(json, fileName: "secret.json"), let scalar = document[key]?.scalar,
                case .string = scalar.value
            else { return nil }
            return scalar.text
        }
        let context = ConfigurationContext(secrets: secrets, patterns: self.patterns)
        let document = try self.document(text, fileName, context)
        let collector = EntityCollector(context: context, plugins: self.plugins, options: self.options)
        collector.decode(document)
        collector.finish()
        let issues = context.orderedIssues
        if issues.contains(where: { $0.severity == .error }) { throw ConfigurationError(issues: issues) }
        var configuration = collector.configuration
        configuration.hash = String(DocumentHash.hash(of: document, secrets: context.resolvedSecrets).prefix(16))
        return LoadedConfiguration(configuration: configuration, pluginConfigurations: collector.pluginConfigurations, warnings: issues)
    }

    /// Loads one file given as bytes.
    ///
    /// - Throws: what is wrong, a byte that is not UTF-8 among it.
    public func load(bytes: [UInt8], fileName: String) throws(ConfigurationError) -> LoadedConfiguration {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(issues: [
                ConfigurationIssue(path: "", line: Self.lineOfInvalidUTF8(bytes), problem: "the file is not valid UTF-8", hint: "save it as UTF-8")
            ])
        }
        return try self.load(text: text, fileName: fileName)
    }

    /// The line of the first byte that is no UTF-8.
    private static func lineOfInvalidUTF8(_ bytes: [UInt8]) -> Int {
        var line = 1
        for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { return line }
            line += 1
        }
        return line
    }

    private func document(_ text: String, _ fileName: String, _ context: ConfigurationContext) throws(ConfigurationError) -> DocumentNode {
        guard EnvironmentTemplates.mayOccur(in: text) else { return try self.documents.parse(text, fileName: fileName) }
        guard self.options.resolvesEnvironmentTemplates else {
            context.report(
                ConfigurationIssue(
                    path: "", line: 1, problem: "${{ … }} templates are not resolved here and stay as they are", severity: .warning))
            return try self.documents.parse(text, fileName: fileName)
        }
        guard !EnvironmentTemplates.hasMarkers(text) else {
            throw ConfigurationError(issues: [
                ConfigurationIssue(path: "", line: 1, problem: "the file contains the private-use characters U+F6F1 or U+F6F2 beside templates", hint: "remove them")
            ])
        }
        let templates = EnvironmentTemplates(text: text, environment: self.environment, allowedNames: self.options.allowedEnvironmentNames)
        let document = try self.documents.parse(templates.text, fileName: fileName)
        return templates.isEmpty ? document : templates.resolve(document, path: "", context: context)
    }
}
