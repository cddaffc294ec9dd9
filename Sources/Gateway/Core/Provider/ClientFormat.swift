public import NIOCore

/// What one kind of client speaks: reads its requests into the canonical model and writes answers, streams and errors back. Pure: no I/O, no clock, no telemetry.
public protocol ClientFormat: AnyObject, Sendable {
    var name: ModelFormat { get }
    /// Whether it can be translated; otherwise its clients reach only providers of the same format. Default true.
    var isTranslated: Bool { get }
    /// How its streams are cut into events. Default: server-sent events.
    var streamFraming: StreamFraming { get }
    /// What is asked for. Default: what the body says.
    func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall
    /// - Throws: 400 with the member that cannot be read.
    func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest
    /// The answer's document.
    func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer
    func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder
    /// The error object a client of this format reads; the status is sent beside it.
    func encode(_ error: ProviderError) -> ByteBuffer
    /// The answer to a request for a count of tokens (``ClientCall/Kind/countTokens``). Default nil: the format has none.
    func encode(tokenCount: Int) -> ByteBuffer?
}

/// Writes one stream for a client. Used on one loop, by one exchange.
public protocol ChatStreamEncoder: AnyObject {
    /// `Content-Type` of the response.
    var contentType: StaticString { get }
    /// Appends complete events; an event that says nothing in this format appends nothing.
    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer)
}

/// A client's request as a format sees it: the body, and what of it stands in the path (Gemini).
public struct ClientRequest: Sendable {
    public let body: ModelRequestBody
    /// Path as the client sent it, without the query.
    public let path: ByteBuffer
    public let query: ByteBuffer?

    public init(body: ModelRequestBody, path: ByteBuffer = ByteBuffer(), query: ByteBuffer? = nil) {
        self.body = body
        self.path = path
        self.query = query
    }
}

/// What a format needs to know of the request to write its answer.
public struct AnswerContext: Sendable {
    /// Makes an id where the provider gives none.
    public var requestID: String
    /// Seconds since 1970; where the provider does not say when.
    public var createdAt: Int
    /// The model asked for upstream; where the provider does not name it.
    public var model: String
    public var isStream: Bool
    /// Whether the client asked for the usage of a stream.
    public var includesUsage: Bool
    /// Which of the format's operations it is.
    public var operation: ModelOperation
    /// A stream as one JSON array rather than as events (Gemini without `alt=sse`).
    public var streamsArray: Bool
    /// Vectors of embeddings as base64.
    public var wantsBase64: Bool
    /// Speech that comes as samples alone as a WAV file.
    public var wrapsSpeech: Bool

    public init(
        requestID: String, createdAt: Int, model: String, isStream: Bool = false, includesUsage: Bool = false, operation: ModelOperation = .chat, streamsArray: Bool = false,
        wantsBase64: Bool = false, wrapsSpeech: Bool = false
    ) {
        self.requestID = requestID
        self.createdAt = createdAt
        self.model = model
        self.isStream = isStream
        self.includesUsage = includesUsage
        self.operation = operation
        self.streamsArray = streamsArray
        self.wantsBase64 = wantsBase64
        self.wrapsSpeech = wrapsSpeech
    }
}
