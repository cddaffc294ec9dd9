/// What a provider limits in a period.
public enum ProviderLimit: Int, Sendable, CaseIterable {
    case requests
    case tokens
    case inputTokens
    case outputTokens

    public var name: StaticString {
        switch self {
        case .requests: "requests"
        case .tokens: "tokens"
        case .inputTokens: "input_tokens"
        case .outputTokens: "output_tokens"
        }
    }

    /// The attribute of how much is allowed.
    public var limitKey: StaticString {
        switch self {
        case .requests: AttributeNames.providerLimitRequests
        case .tokens: AttributeNames.providerLimitTokens
        case .inputTokens: AttributeNames.providerLimitInputTokens
        case .outputTokens: AttributeNames.providerLimitOutputTokens
        }
    }

    /// The attribute of how much is left.
    public var remainingKey: StaticString {
        switch self {
        case .requests: AttributeNames.providerRemainingRequests
        case .tokens: AttributeNames.providerRemainingTokens
        case .inputTokens: AttributeNames.providerRemainingInputTokens
        case .outputTokens: AttributeNames.providerRemainingOutputTokens
        }
    }
}
