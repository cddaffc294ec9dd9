import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Reads answers of OpenAI's operations beside chat, completions and embeddings: responses, images, transcriptions, files, batches.
///
/// Formats: https://platform.openai.com/docs/api-reference/responses/object and …/responses-streaming; the others share their names.
final class OpenAIOperationReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()

    /// Only the last event of a stream tells the usage; content is not looked into.
    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        if data.elementsEqual("[DONE]".utf8) { self.facts.isComplete = true }
        guard data.count > 16, OpenAIOperationReader.holdsUsage(data), let document = try? JSONDocument(ByteBuffer(bytes: data)) else { return .pass }
        self.read(document["response"] ?? document.root)
        if document["type"].map({ $0.equals("response.completed") || $0.equals("response.incomplete") || $0.equals("response.failed") }) ?? false { self.facts.isComplete = true }
        return .pass
    }

    func document(_ bytes: ByteBuffer) {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object else { return }
        self.facts.isComplete = true
        self.read(document.root)
    }

    /// A quote inside a JSON string is escaped, so that this can only be a member.
    private static func holdsUsage(_ data: UnsafeRawBufferPointer) -> Bool {
        let name: StaticString = "\"usage\":"
        let count = name.utf8CodeUnitCount
        guard data.count > count else { return false }
        var i = data.count - count
        while i >= 0 {
            if data[i] == name.utf8Start[0], UnsafeRawBufferPointer(rebasing: data[i..<(i + count)]).isText(name) { return true }
            i -= 1
        }
        return false
    }

    private func read(_ object: JSONView) {
        if let id = object["id"]?.text { self.facts.id = id }
        if let model = object["model"]?.text { self.facts.model = model }
        if let tier = object["service_tier"]?.text { self.facts.serviceTier = tier }
        if let status = object["status"]?.text, (1...64).contains(status.readableBytes) { self.facts.finishReasons = status }
        guard let usage = object["usage"], usage.kind == .object else { return }
        var read = TokenUsage()
        read.input = Int64((usage["input_tokens"] ?? usage["prompt_tokens"])?.tokens ?? 0)
        read.output = Int64((usage["output_tokens"] ?? usage["completion_tokens"])?.tokens ?? 0)
        read.cachedInput = Int64(usage["input_tokens_details"]?["cached_tokens"]?.tokens ?? 0)
        read.reasoning = Int64(usage["output_tokens_details"]?["reasoning_tokens"]?.tokens ?? 0)
        // Transcriptions write it in the singular.
        read.inputAudio = Int64((usage["input_token_details"] ?? usage["input_tokens_details"])?["audio_tokens"]?.tokens ?? 0)
        read.outputAudio = Int64((usage["output_token_details"] ?? usage["output_tokens_details"])?["audio_tokens"]?.tokens ?? 0)
        read.source = .providerReported
        self.facts.usage = read
    }
}
