/// What a model is asked to do: Kong's `route_type` and OpenTelemetry's `gen_ai.operation.name`.
public enum ModelOperation: String, Sendable, CaseIterable {
    case chat = "llm/v1/chat"
    case completions = "llm/v1/completions"
    case embeddings = "llm/v1/embeddings"

    /// `gen_ai.operation.name` (https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-operation-name).
    public var telemetryName: StaticString {
        switch self {
        case .chat: "chat"
        case .completions: "text_completion"
        case .embeddings: "embeddings"
        }
    }

    /// Member of the request body that holds what the model is asked.
    public func promptMember(_ format: ModelFormat = .openai) -> StaticString {
        if format == .gemini { return "contents" }
        switch self {
        case .chat: return "messages"
        case .completions: return "prompt"
        case .embeddings: return "input"
        }
    }
}
