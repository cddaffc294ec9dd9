public import GatewayCore

/// Configuration of `ai-prompt-compressor`. Names, types, limits and defaults: Kong 3.15.
///
/// Compression runs in this process unless `compressor_url` names Kong's service.
public struct AIPromptCompressorConfiguration: GatewayConfiguration, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable { case rate, targetToken = "target_token" }
    public enum MessageType: String, Sendable, Hashable, CaseIterable { case assistant, system, user }

    /// How texts of so many tokens are compressed.
    public struct Range: Sendable, Hashable {
        public let minimumTokens: Int
        public let maximumTokens: Int
        /// The part that stays, 0.01 to 1, or the tokens that stay.
        public let value: Double
    }

    public let kind: Kind
    public let ranges: [Range]
    /// Whose messages are compressed. Default: the user's.
    public let messageTypes: [MessageType]
    /// Kong's service; nil: this process compresses itself.
    public let serviceURL: String?
    /// 0: no limit. Default 10,000.
    public let timeoutMilliseconds: Int
    /// Whether a failure ends the request, rather than letting the prompt pass as it is. Default true.
    public let stopsOnError: Bool
    /// Whether texts before and after stand in the evidence. Default false.
    public let logsText: Bool

    public init(from node: inout ConfigurationNode) {
        let kind: Kind = node.choice("compressor_type", default: .rate)
        self.kind = kind
        self.ranges = node.objects("compression_ranges", count: 1...Int.max) { range in
            let low = range.requiredInt("min_tokens", in: 0...Int.max), high = range.requiredInt("max_tokens", in: 0...Int.max)
            let value = range.requiredNumber("value", in: kind == .rate ? 0.01...1 : 1...1e12)
            if low > high { range.report("is larger than max_tokens", at: "min_tokens") }
            return Range(minimumTokens: low, maximumTokens: high, value: value)
        }
        if !node.isPresent("compression_ranges") { node.report("is required", at: "compression_ranges") }
        self.messageTypes = node.choices("message_type", default: [.user])
        let url = node.optionalString("compressor_url", .nonEmpty)
        if let url, !(url.hasPrefix("http://") || url.hasPrefix("https://")) { node.report("is not an http or https URL", at: "compressor_url") }
        self.serviceURL = url.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        self.timeoutMilliseconds = node.milliseconds("timeout", default: 10_000)
        _ = node.optionalNumber("keepalive_timeout")
        node.warnWithoutEffect("keepalive_timeout")
        if url == nil { node.warnWithoutEffect("timeout") }
        self.stopsOnError = node.bool("stop_on_error", default: true)
        self.logsText = node.bool("log_text_data", default: false)
    }

    /// How a text of so many tokens is compressed; nil: not at all. The first range that holds it counts.
    func range(for tokens: Int) -> Range? { self.ranges.first { $0.minimumTokens <= tokens && tokens <= $0.maximumTokens } }
}
