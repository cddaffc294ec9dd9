import GatewayCore
import GatewayWire
import NIOCore

/// A Llama 2 model behind a server that takes its prompt as one text (`llama2_format: raw`): `{"inputs", "parameters"}` in, `generated_text` out.
///
/// The server is Hugging Face's Text Generation Inference or one like it (https://huggingface.github.io/text-generation-inference/); the prompt's marks are those of
/// Llama 2 (https://github.com/meta-llama/llama/blob/main/llama/generation.py). Tools and images have no place in it, and it does not stream.
final class LlamaRawProvider: TranslatingAdapter {
    let descriptor = ProviderDescriptor(name: "llama2", telemetryName: "llama2", keyVariable: "", reportsStreamUsage: false, variant: "raw")
    let format: ModelFormat? = nil

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        guard let url = settings.upstreamURL else {
            throw ProviderFailure("upstream_url_missing", status: 500, message: "model.options.upstream_url is required for llama2")
        }
        let parts = try UpstreamURL(url)
        let path = settings.upstreamPath.map { $0.hasPrefix("/") ? $0 : "/\($0)" } ?? (parts.path.isEmpty ? "/" : parts.path)
        return ProviderLocation(endpoint: parts.endpoint, path: path, query: parts.query)
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer { request.bytes }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { OllamaResponseReader() }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        if encoding.isStream {
            throw ProviderFailure("streaming_not_supported", status: 400, message: "a model with llama2_format raw does not stream", parameter: "stream")
        }
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("inputs")
        writer.string(try self.prompt(request, &encoding))
        writer.key("parameters")
        writer.beginObject()
        writer.member("max_new_tokens", request.maximumTokens)
        writer.member("temperature", request.temperature)
        writer.member("top_p", request.topP)
        writer.member("top_k", request.topK)
        writer.member("seed", request.seed)
        if !request.stop.isEmpty {
            writer.key("stop")
            writer.beginArray()
            for stop in request.stop { writer.string(stop) }
            writer.endArray()
        }
        writer.member("return_full_text", false)
        writer.endObject()
        writer.endObject()
        try encoding.drop("tools", if: !request.tools.isEmpty)
        try encoding.drop("response_format", if: request.responseFormat != nil)
        if let count = request.choiceCount?.int, count != 1 { try encoding.drop("n") }
        try encoding.drop("logit_bias", if: request.logitBias != nil)
        try encoding.drop("logprobs", if: request.logprobs == true)
        try encoding.drop("frequency_penalty", if: request.frequencyPenalty != nil)
        try encoding.drop("presence_penalty", if: request.presencePenalty != nil)
        try encoding.drop("reasoning_effort", if: request.reasoning != nil)
        try encoding.drop(request.extras)
        return writer.buffer
    }

    /// The conversation with Llama 2's marks; a completion of one text without roles stays as it is.
    private func prompt(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> String {
        var system: [String] = []
        var prompt = ""
        var isOpen = false
        for message in request.messages {
            var text = ""
            for part in message.parts {
                switch part.content {
                case .text(let piece), .refusal(let piece): text += (text.isEmpty ? "" : "\n") + piece.string
                default: try encoding.drop("messages[].content[] that is no text")
                }
            }
            switch message.role {
            case .system, .developer: system.append(text)
            case .assistant:
                prompt += isOpen ? " \(text) </s>" : "<s>\(text)</s>"
                isOpen = false
            case .user, .tool:
                if isOpen { prompt += "</s>" }
                let preamble = system.isEmpty ? "" : "<<SYS>>\n\(system.joined(separator: "\n"))\n<</SYS>>\n\n"
                system = []
                prompt += "<s>[INST] \(preamble)\(text) [/INST]"
                isOpen = true
            }
        }
        return prompt
    }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer {
        guard let root = try? JSONDocument(document).root else { throw AnswerFailure.unreadable("llama2") }
        let found = root.kind == .array ? root.elements.first { _ in true } : root["data"]?.elements.first { _ in true } ?? root
        guard let item = found, let text = ChatText(item["generated_text"]) else { throw AnswerFailure.unreadable("llama2") }
        var answer = ChatAnswer(origin: nil)
        var choice = ChatChoice()
        choice.parts = [ChatPart(.text(text))]
        let details = item["details"]
        let reason = ChatText(details?["finish_reason"])
        choice.finishReason = ChatFinishReason(reason?.equals("length") == true ? .length : .stop, reason ?? ChatText("stop" as StaticString))
        answer.choices = [choice]
        if let output = details?["generated_tokens"]?.tokens {
            var usage = ChatUsage()
            usage.input = details?["prefill"]?.elements.reduce(into: 0) { count, _ in count += 1 } ?? 0
            usage.output = output
            answer.usage = usage
        }
        return answer
    }

    func makeStreamDecoder() -> any ChatStreamDecoder { OllamaStreamDecoder() }

    func readError(status: Int, body: ByteBuffer) -> ProviderError {
        let message = ChatText((try? JSONDocument(body))?["error"]) ?? AnswerFailure.message(status)
        return ProviderError(status: status, failure: HTTPFailureClass.of(status), message: message)
    }
}
