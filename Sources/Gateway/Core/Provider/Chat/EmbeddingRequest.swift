public import GatewayWire

/// The canonical embeddings request.
public struct EmbeddingRequest: Sendable {
    /// The format it was written in.
    public var origin: ModelFormat
    public var model: ChatText?
    public var inputs: [EmbeddingInput] = []
    public var dimensions: ChatNumber?
    /// OpenAI's `encoding_format`: whether vectors are wanted as base64 of little-endian 32-bit floats.
    public var wantsBase64 = false
    public var user: ChatText?
    public var extras: [ChatExtra] = []

    public init(origin: ModelFormat) { self.origin = origin }
}

/// What is to be embedded.
public enum EmbeddingInput: Sendable {
    case text(ChatText)
    /// Token numbers of the model's own vocabulary, as an array.
    case tokens(JSONView)
    case media(ChatMedia)
}

/// The canonical answer: one vector per input, in order.
public struct EmbeddingAnswer: Sendable {
    public var model: ChatText?
    /// Arrays of numbers, or base64 strings, as the provider wrote them.
    public var vectors: [JSONView] = []
    public var usage: ChatUsage?

    public init() {}
}
