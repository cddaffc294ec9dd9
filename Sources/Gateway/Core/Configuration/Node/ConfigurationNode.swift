/// A mapping of the document while a configuration decodes itself from it.
///
/// It knows its path, remembers which keys were read (the rest are unknown and become errors), and collects every problem instead of
/// stopping at the first: an accessor that finds a wrong value reports it and returns something harmless, so that decoding goes on.
/// `null` counts as absent, as in Kong. Not copyable, so that no key is read on a copy and then called unknown.
///
/// ```swift
/// struct Limits: GatewayConfiguration {
///     let maximumBytes: Int, mode: Mode
///     init(from node: inout ConfigurationNode) {
///         self.maximumBytes = node.int("maximum_bytes", default: 1_024, in: 1...1_048_576)
///         self.mode = node.choice("mode", default: .strict)
///     }
/// }
/// ```
public struct ConfigurationNode: ~Copyable {
    /// The place in the document: `plugins[2].config`; empty for the document itself.
    public let path: String
    /// Where the mapping begins.
    public let position: DocumentPosition

    let context: ConfigurationContext
    let entries: [DocumentEntry]
    private let defaults: DocumentNode?
    private var readMask: UInt64 = 0
    private var readBeyondMask: Set<Int> = []
    private(set) var knownKeys: [String] = []

    /// A node that stands alone, to decode one configuration: its problems are thrown by ``GatewayConfiguration/decode(_:)``.
    ///
    /// - Parameters:
    ///   - document: a mapping; anything else is reported.
    ///   - path: the place shown in problems.
    ///   - environment: resolves `{vault://env/NAME}` in referenceable fields.
    ///   - patterns: checks fields that hold regular expressions; without it they are not checked.
    public init(_ document: DocumentNode, path: String = "", environment: [String: String] = [:], patterns: (any PatternCompiler)? = nil) {
        let context = ConfigurationContext(secrets: SecretResolver(environment: environment), patterns: patterns)
        self.init(document, path: path, context: context)
    }

    init(_ document: DocumentNode, path: String, context: ConfigurationContext, defaults: DocumentNode? = nil) {
        self.path = path
        self.position = document.position
        self.context = context
        self.defaults = defaults
        if let entries = document.entries {
            self.entries = entries
        } else {
            self.entries = []
            if !document.isNull {
                context.report(
                    ConfigurationIssue(
                        path: path, line: document.position.line, problem: "expected a mapping, found \(ValueDescription.of(document))"))
            }
        }
    }

    /// The problems found so far, by this node and every other of its run.
    public var issues: [ConfigurationIssue] { self.context.orderedIssues }

    /// Whether the key has a value other than null; does not count as reading it.
    public func isPresent(_ key: String) -> Bool {
        if let index = self.index(of: key) { return !self.entries[index].value.isNull }
        return self.defaults?[key] != nil
    }

    /// The keys written in the document, in order.
    public var keys: [String] { self.entries.map(\.key) }

    /// The value as the document has it, or nil when absent or null; counts as reading the key.
    public mutating func document(_ key: String) -> DocumentNode? {
        self.knownKeys.append(key)
        if let index = self.index(of: key) {
            self.markRead(index)
            if !self.entries[index].value.isNull { return self.entries[index].value }
        }
        return self.defaults?[key]
    }

    /// Accepts a key without looking at its value (`_comment`).
    public mutating func ignore(_ keys: String...) {
        for key in keys { _ = self.document(key) }
    }

    /// Accepts every key that was not read; for mappings whose keys are the user's own.
    public mutating func ignoreUnknownKeys() {
        for index in self.entries.indices { self.markRead(index) }
    }

    /// Reports an error at a key, or at the mapping itself.
    public func report(_ problem: String, at key: String? = nil, hint: String? = nil) {
        self.add(problem, key, hint, .error)
    }

    /// Reports something that does not stop the configuration.
    public func warn(_ problem: String, at key: String? = nil, hint: String? = nil) {
        self.add(problem, key, hint, .warning)
    }

    /// Warns of keys that are understood and have no effect in this version.
    public func warnWithoutEffect(_ keys: String...) {
        for key in keys where self.isPresent(key) { self.warn("has no effect in this version", at: key) }
    }

    /// The path of a key of this mapping.
    public func path(of key: String) -> String {
        self.path.isEmpty ? key : "\(self.path).\(key)"
    }

    /// The line to show for a key: its value's, else the mapping's.
    public func line(of key: String) -> Int {
        if let index = self.index(of: key), self.entries[index].keyPosition.line > 0 { return self.entries[index].keyPosition.line }
        return max(self.position.line, 1)
    }

    /// Ends decoding of this mapping: keys nobody asked for are errors.
    public mutating func finish() {
        if self.context.askedKeys != nil { self.context.askedKeys?[self.path, default: []] += self.knownKeys }
        for index in self.entries.indices where !self.wasRead(index) {
            self.markRead(index)
            let entry = self.entries[index]
            let hint = Suggestion.hint(for: entry.key, among: self.knownKeys)
            self.add("is not a known field", entry.key, hint, .error)
        }
    }

    func child(_ document: DocumentNode, path: String, key: String? = nil) -> ConfigurationNode {
        var childDefaults: DocumentNode?
        if let key, let defaults = self.defaults?[key], defaults.entries != nil { childDefaults = defaults }
        return ConfigurationNode(document, path: path, context: self.context, defaults: childDefaults)
    }

    func add(_ problem: String, _ key: String?, _ hint: String?, _ severity: ConfigurationIssue.Severity) {
        let path = key.map { self.path(of: $0) } ?? self.path
        let line = key.map { self.line(of: $0) } ?? max(self.position.line, 1)
        self.context.report(ConfigurationIssue(path: path, line: line, problem: problem, hint: hint, severity: severity))
    }

    /// Where a key is. Compared in place: copying entries to look at their keys costs more than the rest of decoding.
    private func index(of key: String) -> Int? {
        var index = 0
        while index < self.entries.count {
            if self.entries[index].key == key { return index }
            index += 1
        }
        return nil
    }

    private mutating func markRead(_ index: Int) {
        if index < 64 { self.readMask |= 1 << UInt64(index) } else { self.readBeyondMask.insert(index) }
    }

    private func wasRead(_ index: Int) -> Bool {
        index < 64 ? self.readMask & (1 << UInt64(index)) != 0 : self.readBeyondMask.contains(index)
    }
}
