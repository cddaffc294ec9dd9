public import GatewayWire

public enum ChatRole: Sendable, Equatable {
    case system
    /// OpenAI's name of `system` for reasoning models.
    case developer
    case user
    case assistant
    /// Carries results of tool calls.
    case tool
}

/// One turn of a conversation.
public struct ChatMessage: Sendable {
    public var role: ChatRole
    public var parts: [ChatPart]
    /// Who speaks, among several of a role.
    public var name: ChatText?
    /// The content was written as a string, not as a list with one text.
    public var isPlain = false
    public var extras: [ChatExtra] = []

    public init(_ role: ChatRole, _ parts: [ChatPart] = []) {
        self.role = role
        self.parts = parts
    }
}

/// One piece of a message or an answer.
public struct ChatPart: Sendable {
    public var content: ChatContent
    /// Anthropic's and OpenRouter's `cache_control` of this piece.
    public var cacheControl: JSONView?
    /// A vendor's proof that it wrote this piece, to be sent back with it: Anthropic's `signature`, Gemini's `thoughtSignature`.
    public var signature: ChatText?
    public var extras: [ChatExtra] = []

    public init(_ content: ChatContent) { self.content = content }
}

public enum ChatContent: Sendable {
    case text(ChatText)
    /// What the model thought.
    case reasoning(ChatText)
    /// Thoughts that only the vendor can read (Anthropic's `redacted_thinking`).
    case redactedReasoning(ChatText)
    case refusal(ChatText)
    case media(ChatMedia)
    case toolCall(ChatToolCall)
    case toolResult(ChatToolResult)
    /// What only the format it came from knows, as it came.
    case other(JSONView)
}

/// An image, sound, document or video.
public struct ChatMedia: Sendable {
    public enum Kind: Sendable, Equatable { case image, audio, document, video }

    public enum Source: Sendable {
        case url(ChatText)
        case base64(ChatText)
        /// A document that is plain text.
        case text(ChatText)
        /// The id of a file the provider has.
        case file(ChatText)
    }

    public var kind: Kind
    public var source: Source
    /// `image/png`, where it is known.
    public var mediaType: ChatText?
    public var fileName: ChatText?
    /// OpenAI's `detail` of an image.
    public var detail: ChatText?

    public init(_ kind: Kind, _ source: Source, mediaType: ChatText? = nil) {
        self.kind = kind
        self.source = source
        self.mediaType = mediaType
    }
}

/// A call of a tool by a model.
public struct ChatToolCall: Sendable {
    /// Nil where the vendor gives none (Gemini).
    public var id: ChatText?
    public var name: ChatText
    public var arguments: ChatArguments

    public init(id: ChatText?, name: ChatText, arguments: ChatArguments) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// The arguments of a tool call: OpenAI writes their JSON into a string, the others as an object.
public enum ChatArguments: Sendable {
    /// JSON as a text, which nobody has validated.
    case text(ChatText)
    case json(JSONView)
}

/// What a tool gave back.
public struct ChatToolResult: Sendable {
    /// Nil where the format has none (Gemini); then the name says which.
    public var callID: ChatText?
    public var name: ChatText?
    public var parts: [ChatPart]
    /// The content was written as a string.
    public var isPlain = false
    /// A result that is an object (Gemini's `response`).
    public var json: JSONView?
    public var isError: Bool?

    public init(callID: ChatText?, name: ChatText? = nil, parts: [ChatPart]) {
        self.callID = callID
        self.name = name
        self.parts = parts
    }
}
