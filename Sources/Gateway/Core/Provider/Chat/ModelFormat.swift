/// A vendor's wire format of model traffic, as clients choose it: Kong's `llm_format`, and what `_pellucid.llm_format` adds to it.
public enum ModelFormat: String, Sendable, Hashable, CaseIterable {
    /// https://platform.openai.com/docs/api-reference
    case openai
    /// https://docs.anthropic.com/en/api/messages
    case anthropic
    /// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
    case bedrock
    /// https://docs.cohere.com/reference/chat
    case cohere
    /// https://ai.google.dev/api/generate-content
    case gemini
    /// https://huggingface.github.io/text-generation-inference/
    case huggingface
    /// https://docs.ollama.com/api/chat; not Kong's.
    case ollama

    /// The same as a constant, for evidence.
    public var telemetryName: StaticString {
        switch self {
        case .openai: "openai"
        case .anthropic: "anthropic"
        case .bedrock: "bedrock"
        case .cohere: "cohere"
        case .gemini: "gemini"
        case .huggingface: "huggingface"
        case .ollama: "ollama"
        }
    }
}
