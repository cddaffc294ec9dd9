public import NIOCore

/// What a client asks for, as its format says it in body or path.
public struct ClientCall: Sendable {
    public enum Kind: Sendable, Equatable {
        case generate
        /// How many tokens a request has, without an answer (Anthropic's and Gemini's).
        case countTokens
        /// What only a provider of the same format serves.
        case other
    }

    public var kind = Kind.generate
    /// The model; nil when the client names none.
    public var model: String?
    public var asksStream: Bool?
    /// A stream as one JSON array (Gemini without `alt=sse`).
    public var streamsArray = false
    /// What of the vendor's API is asked, where the path says it: Bedrock's `invoke`, Cohere's `/v2/rerank`; nil: what the route's operation is.
    public var action: String?
    /// Whether a model reads and writes tokens for it, whatever the provider says of them.
    public var usesTokens: Bool { self.kind == .generate && !self.isAuxiliary }
    /// What is asked is no answer of a model: documents in another order, vectors.
    public var isAuxiliary = false

    public init() {}
}

extension ProviderFailure {
    /// A path that asks for nothing a client of the format may ask through the gateway.
    static func unknownAction(_ path: Substring) -> ProviderFailure {
        ProviderFailure("unknown_action", status: 404, message: "\(path.prefix(64)) is not served")
    }
}

extension ClientFormat {
    public var isTranslated: Bool { true }
    public var streamFraming: StreamFraming { .serverSentEvents }
    public func encode(tokenCount: Int) -> ByteBuffer? { nil }

    /// Most formats say model and streaming in the body.
    public func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        call.model = request.body.model
        call.asksStream = request.body.stream
        return call
    }
}
