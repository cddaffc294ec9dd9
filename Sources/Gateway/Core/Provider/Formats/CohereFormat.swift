import GatewayWire
public import NIOCore

/// Cohere's API as clients speak it (https://docs.cohere.com/reference/chat): `…/v2/chat` is translated; what else its paths ask for (`/v2/embed`, `/v2/rerank`, version 1)
/// only Cohere serves.
public final class CohereFormat: ClientFormat {
    public let name = ModelFormat.cohere

    public init() {}

    public func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        call.model = request.body.model
        call.asksStream = request.body.stream
        let path = String(buffer: request.path)
        for version in ["/v2/", "/v1/"] {
            guard let start = path.firstRange(of: version) else { continue }
            let action = path[start.lowerBound...]
            guard CohereFormat.actions.contains(action) else { throw ProviderFailure.unknownAction(action) }
            if action != "/v2/chat" { call.action = String(action) }
            call.isAuxiliary = !action.hasSuffix("/chat")
            break
        }
        return call
    }

    /// What of the API a model does for a client; the rest (data sets, connectors, fine-tuning) is its owner's business.
    private static let actions: Set<Substring> = [
        "/v2/chat", "/v2/embed", "/v2/rerank", "/v1/chat", "/v1/generate", "/v1/embed", "/v1/rerank", "/v1/classify", "/v1/summarize", "/v1/tokenize", "/v1/detokenize",
    ]

    public func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest { try CohereRequestDecoder.decode(request.body.document.root) }

    public func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { CohereAnswerEncoder.message(answer, context) }

    public func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { CohereStreamEncoder(context) }

    public func encode(_ error: ProviderError) -> ByteBuffer { CohereAnswerEncoder.error(error) }
}
