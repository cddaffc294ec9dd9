/// A part of the configuration that decodes itself and reports every problem it finds instead of the first.
public protocol GatewayConfiguration: Sendable {
    /// Reads every field from `node`. Problems go to the node; the value made of a wrong node is never used.
    init(from node: inout ConfigurationNode)
}

extension GatewayConfiguration {
    /// Decodes a node that stands alone.
    ///
    /// - Throws: every error, unknown fields among them; warnings alone do not throw.
    public static func decode(_ node: consuming ConfigurationNode) throws(ConfigurationError) -> Self {
        var node = node
        let value = Self(from: &node)
        node.finish()
        let issues = node.issues
        if issues.contains(where: { $0.severity == .error }) { throw ConfigurationError(issues: issues) }
        return value
    }

    /// Decodes from a document: ``decode(_:)`` with a node made of it.
    public static func decode(
        document: DocumentNode, path: String = "", environment: [String: String] = [:], patterns: (any PatternCompiler)? = nil
    ) throws(ConfigurationError) -> Self {
        try Self.decode(ConfigurationNode(document, path: path, environment: environment, patterns: patterns))
    }
}
