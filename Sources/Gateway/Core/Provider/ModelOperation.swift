/// What a model is asked to do: Kong's `route_type` and OpenTelemetry's `gen_ai.operation.name`.
public enum ModelOperation: String, Sendable, CaseIterable {
    case chat = "llm/v1/chat"
    case completions = "llm/v1/completions"
    case embeddings = "llm/v1/embeddings"
    case responses = "llm/v1/responses"
    case assistants = "llm/v1/assistants"
    case files = "llm/v1/files"
    case batches = "llm/v1/batches"
    case speech = "audio/v1/audio/speech"
    case transcriptions = "audio/v1/audio/transcriptions"
    case translations = "audio/v1/audio/translations"
    case imageGenerations = "image/v1/images/generations"
    case imageEdits = "image/v1/images/edits"
    case videoGenerations = "video/v1/videos/generations"
    /// A session over a WebSocket (https://platform.openai.com/docs/guides/realtime-websocket).
    case realtime = "realtime/v1/realtime"

    /// Whether every request is a prompt the gateway looks into and can translate. The others are OpenAI's alone: they pass between client and provider, with whatever
    /// method, content and path below theirs.
    public var isPrompt: Bool { self == .chat || self == .completions || self == .embeddings }

    /// `gen_ai.operation.name` (https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-operation-name): the conventions' value where they have one,
    /// else a name of our own.
    public var telemetryName: StaticString {
        switch self {
        case .chat, .responses: "chat"
        case .completions: "text_completion"
        case .embeddings: "embeddings"
        case .assistants: "create_agent"
        case .files: "files"
        case .batches: "batches"
        case .speech: "speech"
        case .transcriptions: "transcription"
        case .translations: "translation"
        case .imageGenerations: "image_generation"
        case .imageEdits: "image_edit"
        case .videoGenerations: "video_generation"
        case .realtime: "realtime"
        }
    }

    /// The operation's place below the base of OpenAI's API.
    public var path: StaticString {
        switch self {
        case .chat: "/chat/completions"
        case .completions: "/completions"
        case .embeddings: "/embeddings"
        case .responses: "/responses"
        case .assistants: "/assistants"
        case .files: "/files"
        case .batches: "/batches"
        case .speech: "/audio/speech"
        case .transcriptions: "/audio/transcriptions"
        case .translations: "/audio/translations"
        case .imageGenerations: "/images/generations"
        case .imageEdits: "/images/edits"
        case .videoGenerations: "/videos"
        case .realtime: "/realtime"
        }
    }

    /// Member of the request body that holds what the model is asked.
    public func promptMember(_ format: ModelFormat = .openai) -> StaticString {
        if format == .gemini { return "contents" }
        switch self {
        case .chat: return "messages"
        case .completions, .imageGenerations, .imageEdits, .videoGenerations: return "prompt"
        case .embeddings, .responses, .speech, .assistants, .files, .batches, .transcriptions, .translations, .realtime: return "input"
        }
    }
}
