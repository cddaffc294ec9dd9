import GatewayCore
import GatewayWire
import NIOCore

/// Ollama's own API (https://github.com/ollama/ollama/blob/main/docs/api.md): chat as NDJSON, embeddings.
///
/// Also what `llama2_format: ollama` and `mistral_format: ollama` mean.
final class OllamaProvider: TranslatingAdapter {
    let descriptor: ProviderDescriptor
    let format: ModelFormat? = .ollama
    let translatedOperations: [ModelOperation] = [.chat, .completions, .embeddings]
    let streamFraming = StreamFraming.lines

    init(_ name: StaticString) {
        self.descriptor = ProviderDescriptor(name: name, telemetryName: name, keyVariable: "", reportsStreamUsage: false, variant: "ollama")
    }

    /// Images come in base64 (https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion).
    func wantsInline(_ kind: ChatMedia.Kind, at url: ChatText) -> Bool { kind == .image && (url.hasPrefix("https://") || url.hasPrefix("http://")) }

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        guard let url = settings.upstreamURL else {
            throw ProviderFailure("upstream_url_missing", status: 500, message: "model.options.upstream_url is required for \(self.descriptor.name)")
        }
        let parts = try UpstreamURL(url)
        if let path = settings.upstreamPath { return ProviderLocation(endpoint: parts.endpoint, path: path.hasPrefix("/") ? path : "/\(path)", query: parts.query) }
        if let action = settings.action {
            // Beside the address that is configured for chat.
            let base = parts.path.firstRange(of: "/api/").map { String(parts.path[..<$0.lowerBound]) } ?? (parts.path == "/" ? "" : parts.path)
            return ProviderLocation(endpoint: parts.endpoint, path: base + action, query: parts.query)
        }
        if !parts.path.isEmpty, parts.path != "/" { return ProviderLocation(endpoint: parts.endpoint, path: parts.path, query: parts.query) }
        return ProviderLocation(endpoint: parts.endpoint, path: operation == .embeddings ? "/api/embed" : "/api/chat", query: parts.query)
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer {
        var edits = edits
        // Options that win stand in an object of their own.
        if !edits.options.isEmpty, request.isObject {
            let own = request.document["options"].flatMap { $0.kind == .object ? $0 : nil } ?? (try? JSONDocument(ByteBuffer(staticString: "{}")))?.root
            if var options = own.flatMap({ JSONEdit($0) }) {
                if let value = edits.options.maximumTokens { options.set("num_predict", value) }
                if let value = edits.options.temperature { options.set("temperature", value) }
                if let value = edits.options.topP { options.set("top_p", value) }
                if let value = edits.options.topK { options.set("top_k", value) }
                edits.members.append(("options", String(buffer: options.apply())))
            }
        }
        return try RequestSplice.apply(edits, to: request)
    }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { OllamaResponseReader() }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try OllamaRequestEncoder.encode(request, &encoding) }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { try OllamaAnswerDecoder.decode(document) }

    func makeStreamDecoder() -> any ChatStreamDecoder { OllamaStreamDecoder() }

    func readError(status: Int, body: ByteBuffer) -> ProviderError {
        let message = ChatText((try? JSONDocument(body))?["error"]) ?? AnswerFailure.message(status)
        return ProviderError(status: status, failure: HTTPFailureClass.of(status), message: message)
    }

    func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("model")
        writer.string(encoding.model)
        writer.key("input")
        writer.beginArray()
        for input in request.inputs {
            guard case .text(let text) = input else {
                throw ProviderFailure("unsupported_input", status: 400, message: "\"input\" must be text: the provider of this model takes no token numbers", parameter: "input")
            }
            writer.string(text)
        }
        writer.endArray()
        writer.member("dimensions", request.dimensions)
        try encoding.drop("user", if: request.user != nil)
        try encoding.drop(request.extras)
        writer.endObject()
        return writer.buffer
    }

    func decodeEmbeddings(_ document: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer {
        guard let root = try? JSONDocument(document), let vectors = root["embeddings"], vectors.kind == .array else { throw AnswerFailure.unreadable("ollama") }
        var answer = EmbeddingAnswer()
        answer.model = ChatText(root["model"])
        answer.vectors = vectors.elements.map { $0 }
        var usage = ChatUsage()
        usage.input = root["prompt_eval_count"]?.tokens ?? 0
        answer.usage = usage
        return answer
    }
}
