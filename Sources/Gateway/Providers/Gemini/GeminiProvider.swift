import GatewayCore
import GatewayWire
import NIOCore

/// Google's Gemini: the Gemini API (https://ai.google.dev/api/generate-content), or Vertex AI where endpoint, project and location are configured
/// (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference).
final class GeminiProvider: TranslatingAdapter {
    let descriptor: ProviderDescriptor
    let format: ModelFormat? = .gemini
    /// The path names model and method.
    let locatesEachRequest = true
    let translatedOperations: [ModelOperation] = [.chat, .completions, .embeddings, .imageGenerations, .imageEdits, .videoGenerations]

    /// The Gemini API.
    static let api = GeminiProvider(
        ProviderDescriptor(name: "gemini", telemetryName: "gcp.gemini", keyVariable: "GEMINI_API_KEY", reportsStreamUsage: false, keyField: "x-goog-api-key", keyPrefix: ""))
    /// The same models on Vertex AI.
    static let vertex = GeminiProvider(ProviderDescriptor(name: "gemini", telemetryName: "gcp.vertex_ai", keyVariable: "", reportsStreamUsage: false, variant: "vertex"))

    init(_ descriptor: ProviderDescriptor) { self.descriptor = descriptor }

    static let address = "https://generativelanguage.googleapis.com"

    /// Files of its own API, of Cloud Storage and videos are named by URI, everything else has to be in the request
    /// (https://ai.google.dev/gemini-api/docs/file-input-methods).
    func wantsInline(_ kind: ChatMedia.Kind, at url: ChatText) -> Bool {
        guard kind != .video, url.hasPrefix("https://") || url.hasPrefix("http://") else { return false }
        return !url.hasPrefix("https://generativelanguage.googleapis.com/")
    }

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        let model = settings.model ?? "model"
        try VertexAddress.check(model)
        if let action = settings.action, action.hasPrefix("rankingConfigs/") { return try VertexRanking.location(action, settings) }
        let isStream = settings.isStream && !settings.countsTokens
        let query = isStream && !settings.streamsArray ? "alt=sse" : nil
        let method = self.method(operation, settings, isStream: isStream)
        if let url = settings.upstreamURL {
            let parts = try UpstreamURL(url)
            // An origin alone has the API's paths; of a whole URL the method follows the request; any other path is taken as it is.
            var path = parts.path
            if path.isEmpty || path == "/" { path = "/v1beta/models/\(model):\(method)" } else if path.contains(":") { path = VertexAddress.replacingMethod(path, method) }
            return ProviderLocation(endpoint: parts.endpoint, path: path, query: [parts.query, query].compactMap { $0 }.joinedQuery)
        }
        if let address = try VertexAddress(settings) {
            let place = settings.geminiEndpointID.map { "endpoints/\($0)" } ?? "publishers/google/models/\(model)"
            return ProviderLocation(endpoint: address.endpoint, path: "\(address.path)/\(place):\(method)", query: query)
        }
        let parts = try UpstreamURL(GeminiProvider.address)
        let path = settings.upstreamPath.map { $0.hasPrefix("/") ? $0 : "/\($0)" } ?? "/v1beta/models/\(model):\(method)"
        return ProviderLocation(endpoint: parts.endpoint, path: path, query: query)
    }

    private func method(_ operation: ModelOperation, _ settings: ProviderSettings, isStream: Bool) -> String {
        if let action = settings.action { return action }
        if operation == .embeddings { return GeminiEmbeddings.isVertex(settings) ? "predict" : "batchEmbedContents" }
        if settings.countsTokens { return "countTokens" }
        if operation.makesImages, GeminiImagen.isImagen(settings.model ?? "") { return "predict" }
        return isStream ? "streamGenerateContent" : "generateContent"
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer { try GeminiSplice.apply(edits, to: request) }

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try GeminiRequestEncoder.encode(request, &encoding) }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { try GeminiAnswerDecoder.decode(document) }

    func makeStreamDecoder() -> any ChatStreamDecoder { GeminiStreamDecoder() }

    func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try GeminiEmbeddings.encode(request, &encoding) }

    func decodeEmbeddings(_ document: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer { try GeminiEmbeddings.decode(document) }

    func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        GeminiImagen.isImagen(encoding.model) ? try GeminiImagen.encode(request, &encoding) : try GeminiImages.encode(request, &encoding)
    }

    func decodeImages(_ document: ByteBuffer) throws(ProviderFailure) -> ImageAnswer { try GeminiImages.decode(document) }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { GeminiResponseReader() }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    func readError(status: Int, body: ByteBuffer) -> ProviderError { GeminiAnswerDecoder.error(status: status, body) }
}

extension [String] {
    fileprivate var joinedQuery: String? { self.isEmpty ? nil : self.joined(separator: "&") }
}
