/// `_pellucid.diagnostic_log`: what the gateway says about itself; never content of requests.
public struct DiagnosticLogSettings: GatewayConfiguration, Hashable {
    /// The least severe message that is written. Default info.
    public let level: Level
    /// Default text.
    public let format: Format

    public enum Level: String, Sendable, Hashable, CaseIterable { case trace, debug, info, notice, warning, error, critical }
    public enum Format: String, Sendable, Hashable, CaseIterable { case text, json }

    public init(from node: inout ConfigurationNode) {
        self.level = node.choice("level", default: .info)
        self.format = node.choice("format", default: .text)
    }
}
