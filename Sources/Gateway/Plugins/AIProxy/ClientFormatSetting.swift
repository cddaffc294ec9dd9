import GatewayCore

/// `_pellucid.llm_format` beside `config` of `ai-proxy` and `ai-proxy-advanced`: formats of clients that Kong's `llm_format` has no name for.
struct ClientFormatSetting: GatewayConfiguration, Hashable {
    enum Format: String, Sendable, Hashable, CaseIterable { case ollama }

    let format: Format?

    init(from node: inout ConfigurationNode) { self.format = node.optionalChoice("llm_format") }

    /// What clients speak.
    ///
    /// - Parameters:
    ///   - settings: the plugin's `_pellucid:` section, which goes first.
    ///   - configured: Kong's own field.
    static func format(_ settings: DocumentNode?, else configured: ModelFormat) throws(ConfigurationError) -> ModelFormat {
        guard let value = settings?["llm_format"] else { return configured }
        let entry = DocumentEntry(key: "llm_format", keyPosition: value.position, value: value)
        let setting = try ClientFormatSetting.decode(document: DocumentNode(.mapping([entry])), path: "_pellucid")
        return setting.format.flatMap { ModelFormat(rawValue: $0.rawValue) } ?? configured
    }
}
