import GatewayWire
public import NIOCore

/// Google's `generateContent` as clients speak it (https://ai.google.dev/api/generate-content): the path names model and method.
public final class GeminiFormat: ClientFormat {
    public let name = ModelFormat.gemini

    public init() {}

    /// `…/models/{model}:generateContent`, `:streamGenerateContent` (with or without `alt=sse`) or `:countTokens`; other methods (`:embedContent`, `:predict`) only Google serves.
    public func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        // Where the route hides the path, the body may still say.
        call.model = request.body.model
        call.asksStream = request.body.stream
        let path = String(buffer: request.path)
        guard let colon = path.lastIndex(of: ":") else { return call }
        let method = path[path.index(after: colon)...]
        switch method {
        case "generateContent": call.asksStream = false
        case "streamGenerateContent":
            call.asksStream = true
            call.streamsArray = !GeminiFormat.asksForEvents(request.query)
        case "countTokens": call.kind = .countTokens
        case "rank":
            // Of documents, by what a project calls a configuration for it: `…/rankingConfigs/{name}:rank`; the body names the model.
            let names = path[..<colon].split(separator: "/").suffix(2)
            guard names.count == 2, names.first == "rankingConfigs", let name = names.last, name != "..", !name.contains("%") else { throw ProviderFailure.unknownAction(path[...]) }
            call.kind = .other
            call.action = "rankingConfigs/\(name):rank"
            call.asksStream = false
            call.model = request.body.model ?? "default"
            return call
        default:
            guard GeminiFormat.otherMethods.contains(method) else {
                throw ProviderFailure("unknown_method", status: 404, message: "the method \(method.prefix(64)) is not served; generateContent, streamGenerateContent and countTokens are")
            }
            call.kind = .other
            call.action = String(method)
            call.asksStream = false
        }
        let model = path[..<colon].split(separator: "/").last.map { String($0) }
        if let model, !model.isEmpty { call.model = model }
        return call
    }

    /// Methods of a model that only Google serves (https://ai.google.dev/api/all-methods, https://cloud.google.com/vertex-ai/docs/reference/rest).
    private static let otherMethods: Set<Substring> = [
        "embedContent", "batchEmbedContents", "predict", "predictLongRunning", "fetchPredictOperation", "batchGenerateContent", "asyncBatchEmbedContent", "computeTokens",
        "generateAnswer",
    ]

    private static func asksForEvents(_ query: ByteBuffer?) -> Bool {
        guard let query else { return false }
        return String(buffer: query).split(separator: "&").contains("alt=sse")
    }

    public func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest { try GeminiRequestDecoder.decode(request.body.document.root) }

    public func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { GeminiAnswerEncoder.answer(answer, context) }

    public func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { GeminiStreamEncoder(context) }

    public func encode(_ error: ProviderError) -> ByteBuffer { GeminiAnswerEncoder.error(error) }

    /// https://ai.google.dev/api/tokens#v1beta.models.countTokens
    public func encode(tokenCount: Int) -> ByteBuffer? { ByteBuffer(string: "{\"totalTokens\":\(tokenCount)}") }
}
