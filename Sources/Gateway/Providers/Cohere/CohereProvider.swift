import GatewayCore
import GatewayWire
import NIOCore

/// Cohere's API, version 2: chat, embeddings, and reranking for clients of its own format (https://docs.cohere.com/reference/about).
final class CohereProvider: TranslatingAdapter {
    let descriptor = ProviderDescriptor(name: "cohere", telemetryName: "cohere", keyVariable: "COHERE_API_KEY", reportsStreamUsage: false)
    let format: ModelFormat? = .cohere
    let translatedOperations: [ModelOperation] = [.chat, .completions, .embeddings]

    static let address = "https://api.cohere.com"

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        let parts = try UpstreamURL(settings.upstreamURL ?? CohereProvider.address)
        if let path = settings.upstreamPath { return ProviderLocation(endpoint: parts.endpoint, path: path.hasPrefix("/") ? path : "/\(path)", query: parts.query) }
        if !parts.path.isEmpty, parts.path != "/" { return ProviderLocation(endpoint: parts.endpoint, path: parts.path, query: parts.query) }
        return ProviderLocation(endpoint: parts.endpoint, path: settings.action ?? (operation == .embeddings ? "/v2/embed" : "/v2/chat"), query: parts.query)
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer {
        var edits = edits
        // Embedding and reranking have no such options.
        if request.document["messages"] != nil || request.document["message"] != nil {
            if let value = edits.options.maximumTokens { edits.members.append(("max_tokens", "\(value)")) }
            if let value = edits.options.temperature { edits.members.append(("temperature", "\(value)")) }
            if let value = edits.options.topP { edits.members.append(("p", "\(value)")) }
            if let value = edits.options.topK { edits.members.append(("k", "\(value)")) }
        }
        return try RequestSplice.apply(edits, to: request)
    }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { CohereResponseReader() }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    // MARK: Translated

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try CohereRequestEncoder.encode(request, &encoding) }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { try CohereAnswerDecoder.decode(document) }

    func makeStreamDecoder() -> any ChatStreamDecoder { CohereStreamDecoder() }

    func readError(status: Int, body: ByteBuffer) -> ProviderError { CohereAnswerDecoder.error(status: status, body) }

    func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        try CohereEmbeddings.encode(request, &encoding)
    }

    func decodeEmbeddings(_ document: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer { try CohereEmbeddings.decode(document) }
}
