/// Finds out from the decoders themselves what they do with each field: every field is given values of every shape, and what is said of it is its treatment. So the table of
/// what is honoured cannot say anything else than the code does.
public struct ConfigurationSurvey: Sendable {
    /// What happens to a field or section.
    public enum Treatment: Sendable, Equatable {
        case honoured
        /// Accepted, with this warning.
        case warned(String)
        /// An error, with this message.
        case refused(String)
    }

    /// A field with its treatment.
    public struct Field: Sendable, Equatable {
        public let name: String
        public let treatment: Treatment
    }

    /// A kind of entity, or the configuration of a plugin, field by field.
    public struct Kind: Sendable, Equatable {
        public let name: String
        public let fields: [Field]
    }

    private let plugins: [String: PluginDecoding]
    private let options: ConfigurationLoaderOptions

    public init(plugins: [String: PluginDecoding], options: ConfigurationLoaderOptions = ConfigurationLoaderOptions()) {
        self.plugins = plugins
        self.options = options
    }

    // MARK: Sections and entities

    /// Everything that may stand at the top of a file.
    public func sections() -> [Field] {
        let known = self.run([]).keys[""] ?? []
        return Set(known).subtracting(["_comment", "_ignore", "_konnect"]).sorted().map { name in
            let element = DocumentNode.mapping([])
            for value in [DocumentNode.list([element]), .text("3.0"), .flag(true), element] {
                let issues = self.run([(name, value)]).issues.filter { $0.path == name }
                if issues.isEmpty { return Field(name: name, treatment: .honoured) }
                if let warning = issues.first(where: { $0.severity == .warning }) { return Field(name: name, treatment: .warned(warning.problem)) }
            }
            let issue = self.run([(name, .list([element]))]).issues.first { $0.path == name }
            return Field(name: name, treatment: .refused(issue?.problem ?? "is not a known field"))
        }
    }

    /// The kinds of entities, each with Kong's fields and ours.
    public func entities() -> [Kind] {
        KongEntityFields.kinds.map { kind in
            let base = KongEntityFields.base(kind.section)
            let known = self.run([(kind.section, .list([.mapping(base)]))]).keys["\(kind.section)[0]"] ?? []
            let names = Set(kind.fields).union(known).subtracting(["_comment", "_ignore"]).sorted()
            return Kind(
                name: kind.section,
                fields: names.map { name in
                    Field(name: name, treatment: self.probe(name, at: "\(kind.section)[0].\(name)") { value in [(kind.section, .list([.mapping(base.filter { $0.0 != name } + [(name, value)])]))] })
                })
        }
    }

    // MARK: Plugins

    /// The plugins of this build, each with the fields its decoder asks for.
    public func pluginConfigurations() -> [Kind] {
        self.plugins.keys.sorted().map { name in
            let known = self.run([("plugins", .list([.mapping([("name", .text(name)), ("config", .mapping([]))])]))]).keys
            let prefix = "plugins[0].config"
            var names: Set<String> = []
            for (path, keys) in known where path == prefix || path.hasPrefix(prefix + ".") {
                let inner = path.dropFirst(prefix.count).drop { $0 == "." }
                for key in keys { names.insert(inner.isEmpty ? key : "\(inner).\(key)") }
            }
            return Kind(name: name, fields: names.subtracting(["_comment"]).sorted().map { Field(name: $0, treatment: self.probePlugin(name, $0)) })
        }
    }

    private func probePlugin(_ plugin: String, _ field: String) -> Treatment {
        let parts = field.split(separator: ".").map(String.init)
        return self.probe(parts[parts.count - 1], at: "plugins[0].config.\(field)") { value in
            let config = parts.reversed().reduce(value) { inner, part in .mapping([(part, inner)]) }
            return [("plugins", .list([.mapping([("name", .text(plugin)), ("config", config)])]))]
        }
    }

    // MARK: Probing

    static let pem = "-----BEGIN X-----\n-----END X-----"

    /// Values of every shape that some field takes.
    private static let candidates: [DocumentNode] =
        [
            "x", "/", "a.test", "https://a.test/", "10.0.0.1", "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f", pem, "GET", "env", "{}",
        ].map { .text($0) } + [1, 10, 400].map { .number($0) } + [
            .flag(true), .list([]), .mapping([]), .list([.text("x")]), .list([.text("/")]), .list([.text("GET")]), .list([.text("a.test")]), .list([.text("https")]),
            .list([.number(400)]), .list([.mapping([])]),
        ]

    private func probe(_ name: String, at path: String, _ document: (DocumentNode) -> [(String, DocumentNode)]) -> Treatment {
        var candidates = ConfigurationSurvey.candidates[...]
        var offered: Set<String> = []
        var refusals: [String] = []
        while let value = candidates.popFirst() {
            let issues = self.run(document(value)).issues.filter { $0.path == path || $0.path.hasPrefix(path + "[") || $0.path.hasPrefix(path + ".") }
            guard let error = issues.first(where: { $0.severity == .error && $0.path == path }) ?? issues.first(where: { $0.severity == .error && $0.path.hasPrefix(path + "[") }) else {
                if let warning = issues.first(where: { $0.severity == .warning && $0.path == path }) { return .warned(warning.problem) }
                return self.refusalOfContent(value, at: path, document) ?? .honoured
            }
            if error.problem == "is not a known field" { return .refused(error.problem) }
            refusals.append(error.problem)
            // A choice says what it takes.
            for choice in ConfigurationSurvey.choices(error.problem) where offered.insert(choice).inserted {
                candidates.append(.text(choice))
                candidates.append(.list([.text(choice)]))
                if let number = Int(choice) { candidates.append(.number(number)) }
            }
        }
        // The same answer to everything is about the field, not about the value.
        if let first = refusals.first, refusals.allSatisfy({ $0 == first }) { return .refused(first) }
        return .honoured
    }

    /// An object that is taken empty only: a refusal of the field itself, whatever stands in it, is the treatment.
    private func refusalOfContent(_ value: DocumentNode, at path: String, _ document: (DocumentNode) -> [(String, DocumentNode)]) -> Treatment? {
        guard value.entries?.isEmpty == true else { return nil }
        for content in [("x", DocumentNode.text("x")), ("id", .text("0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"))] {
            let issue = self.run(document(.mapping([content]))).issues.first { $0.severity == .error && $0.path == path }
            if let issue { return .refused(issue.problem) }
        }
        return nil
    }

    private static func choices(_ problem: String) -> [String] {
        guard let marker = problem.firstRange(of: "is not one of ") else { return [] }
        return problem[marker.upperBound...].split(separator: ",").map { String($0.drop { $0 == " " }) }.map { $0.split(separator: ";").first.map(String.init) ?? $0 }
    }

    private func run(_ sections: [(String, DocumentNode)]) -> (issues: [ConfigurationIssue], keys: [String: [String]]) {
        let context = ConfigurationContext()
        context.askedKeys = [:]
        let collector = EntityCollector(context: context, plugins: self.plugins, options: self.options)
        collector.decode(.mapping([("_format_version", .text("3.0"))].filter { entry in !sections.contains { $0.0 == entry.0 } } + sections))
        return (context.issues, context.askedKeys ?? [:])
    }
}

extension DocumentNode {
    private static let nowhere = DocumentPosition(line: 1, column: 1)

    static func text(_ text: String) -> DocumentNode { DocumentNode(.scalar(DocumentScalar(text: text, value: .string)), at: nowhere) }
    static func number(_ number: Int) -> DocumentNode { DocumentNode(.scalar(DocumentScalar(text: "\(number)", value: .integer(number))), at: nowhere) }
    static func flag(_ flag: Bool) -> DocumentNode { DocumentNode(.scalar(DocumentScalar(text: "\(flag)", value: .boolean(flag))), at: nowhere) }
    static func list(_ elements: [DocumentNode]) -> DocumentNode { DocumentNode(.sequence(elements), at: nowhere) }
    static func mapping(_ entries: [(String, DocumentNode)]) -> DocumentNode {
        DocumentNode(.mapping(entries.map { DocumentEntry(key: $0.0, keyPosition: nowhere, value: $0.1) }), at: nowhere)
    }
}
