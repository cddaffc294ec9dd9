public import GatewayCore

/// Reads YAML and JSON into ``DocumentNode``s with positions.
///
/// YAML is read from libyaml's events (a tree of its own would cost ten times as much); a file named `.json`, or one that begins with
/// `{` and is JSON, is read by a strict JSON reader, whose messages fit and which knows surrogate escapes. Size, depth, number of nodes
/// and what aliases may produce are bounded, so that a small file cannot become a large one.
public struct YAMLDocumentParser: DocumentParser {
    /// What a document may be at most.
    public struct Limits: Sendable, Hashable {
        /// Bytes of text. Default 64 MiB.
        public var maximumBytes = 64 << 20
        /// Nested sequences and mappings. Default 100.
        public var maximumDepth = 100
        /// Nodes after aliases are expanded. Default 5,000,000.
        public var maximumNodes = 5_000_000
        /// Nodes that aliases alone may produce. Default 100,000.
        public var maximumAliasNodes = 100_000

        /// The defaults.
        public init() {}
    }

    private let limits: Limits

    /// A parser with its limits.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    public func parse(_ text: String, fileName: String) throws(ConfigurationError) -> DocumentNode {
        guard text.utf8.count <= self.limits.maximumBytes else {
            throw DocumentProblem.error(1, "the file has \(text.utf8.count) bytes, more than the \(self.limits.maximumBytes) allowed")
        }
        if fileName.lowercased().hasSuffix(".json") { return try self.parseJSON(text) }
        guard text.utf8.first(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }) == 0x7B else { return try self.parseYAML(text) }
        do {
            return try self.parseJSON(text)
        } catch let jsonError {
            // A YAML flow mapping also begins with a brace; if it is neither, the JSON message is the one that helps.
            do { return try self.parseYAML(text) } catch { throw jsonError }
        }
    }

    private func parseJSON(_ text: String) throws(ConfigurationError) -> DocumentNode {
        var copy = text
        let result: Result<DocumentNode, ConfigurationError> = copy.withUTF8 { bytes in
            var reader = JSONDocumentReader(bytes: bytes, limits: self.limits)
            do throws(ConfigurationError) { return .success(try reader.read()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func parseYAML(_ text: String) throws(ConfigurationError) -> DocumentNode {
        var copy = text
        let result: Result<DocumentNode, ConfigurationError> = copy.withUTF8 { bytes in
            do throws(ConfigurationError) {
                var reader = try YAMLEventReader(bytes: bytes)
                var builder = DocumentBuilder(limits: self.limits)
                return .success(try builder.build(from: &reader))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// Errors of the text itself, before any configuration is known.
enum DocumentProblem {
    static func error(_ line: Int, _ problem: String, hint: String? = nil, path: String = "") -> ConfigurationError {
        ConfigurationError(issues: [ConfigurationIssue(path: path, line: max(line, 1), problem: problem, hint: hint)])
    }
}
