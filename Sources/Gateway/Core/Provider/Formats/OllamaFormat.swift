import GatewayWire
public import NIOCore

/// Ollama's API as its clients speak it (https://docs.ollama.com/api/chat): `…/api/chat` is translated; what else its paths ask for (`/api/generate`, `/api/embed`) only Ollama
/// serves.
public final class OllamaFormat: ClientFormat {
    public let name = ModelFormat.ollama
    public let streamFraming = StreamFraming.lines

    public init() {}

    public func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        call.model = request.body.model
        let path = String(buffer: request.path)
        if let start = path.firstRange(of: "/api/") {
            let action = path[start.lowerBound...]
            guard OllamaFormat.actions.contains(action) else { throw ProviderFailure.unknownAction(action) }
            if action != "/api/chat" { call.action = String(action) }
            call.isAuxiliary = action != "/api/chat" && action != "/api/generate"
        }
        // An answer is streamed unless the client says otherwise.
        call.asksStream = request.body.stream ?? !call.isAuxiliary
        return call
    }

    /// What of the API a model does for a client; to load and delete models is their owner's business.
    private static let actions: Set<Substring> = ["/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/show"]

    public func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest { try OllamaRequestDecoder.decode(request.body.document.root) }

    public func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { OllamaAnswerEncoder.answer(answer, context) }

    public func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { OllamaStreamEncoder(context) }

    public func encode(_ error: ProviderError) -> ByteBuffer { OllamaAnswerEncoder.error(error) }
}
