import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Hugging Face's text generation by its own format, for clients that speak it (`llm_format: huggingface`): Text Generation Inference and the serverless API.
///
/// https://huggingface.co/docs/inference-providers/tasks/text-generation and https://huggingface.github.io/text-generation-inference/
final class TextGenerationProvider: ProviderAdapter {
    let descriptor = ProviderDescriptor(name: "huggingface", telemetryName: "huggingface", keyVariable: "", reportsStreamUsage: false, variant: "native")
    let format: ModelFormat? = .huggingface
    let locatesEachRequest = true

    /// A server of one's own is asked by the client's path (`/generate`, `/generate_stream`), the serverless API by the model's name.
    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        let parts = try UpstreamURL(settings.upstreamURL ?? "https://router.huggingface.co/hf-inference/models/\(settings.model ?? "")")
        if let path = settings.upstreamPath { return ProviderLocation(endpoint: parts.endpoint, path: path.hasPrefix("/") ? path : "/\(path)", query: parts.query) }
        if !parts.path.isEmpty, parts.path != "/" { return ProviderLocation(endpoint: parts.endpoint, path: parts.path, query: parts.query) }
        return ProviderLocation(endpoint: parts.endpoint, path: settings.action ?? "/", query: parts.query)
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer {
        guard request.isObject, var edit = JSONEdit(request.document.root) else {
            throw ProviderFailure("invalid_request_body", status: 400, message: "the request body must be a JSON object")
        }
        let options = edits.options
        guard !options.isEmpty else { return request.bytes }
        let own = request.document["parameters"].flatMap { $0.kind == .object ? $0 : nil } ?? (try? JSONDocument(ByteBuffer(staticString: "{}")))?.root
        guard var parameters = own.flatMap({ JSONEdit($0) }) else { return request.bytes }
        if let value = options.maximumTokens { parameters.set("max_new_tokens", value) }
        if let value = options.temperature { parameters.set("temperature", value) }
        if let value = options.topP { parameters.set("top_p", value) }
        if let value = options.topK { parameters.set("top_k", value) }
        edit.set("parameters", raw: parameters.apply())
        return edit.apply()
    }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { TextGenerationReader() }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }
}

/// Reads what an answer says of itself, where the client asked for `details`.
final class TextGenerationReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        // Every event but the last has no text of the whole.
        guard let document = try? JSONDocument(ByteBuffer(bytes: data)), let text = document["generated_text"], !text.isNull else { return .pass }
        self.read(document.root)
        return .pass
    }

    func document(_ bytes: ByteBuffer) {
        guard let root = try? JSONDocument(bytes).root else { return }
        let item = root.kind == .array ? root.elements.first { _ in true } : root
        if let item { self.read(item) }
    }

    private func read(_ item: JSONView) {
        self.facts.isComplete = true
        guard let details = item["details"], let output = details["generated_tokens"]?.tokens else { return }
        self.facts.finishReasons = details["finish_reason"]?.text
        var usage = ChatUsage()
        usage.output = output
        // The prompt's tokens are listed where the client asked for them, and counted in a stream's last event.
        usage.input = details["input_length"]?.tokens ?? details["prefill"]?.elements.reduce(into: 0) { count, _ in count += 1 } ?? 0
        self.facts.usage = usage.evidence
    }
}
