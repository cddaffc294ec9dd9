import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Reads answers of Bedrock that go to a client of the same format as they are: Converse's, and InvokeModel's as far as they tell their tokens.
final class BedrockResponseReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()

    /// One message's payload. What it is shows in its members; the text of an answer is in most of them, and not looked at.
    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        // Deltas are told by their beginning, whatever the order of their members.
        guard data.count > 12, !BedrockResponseReader.isDelta(data), let document = try? JSONDocument(ByteBuffer(bytes: data)) else { return .pass }
        if let reason = document["stopReason"]?.text {
            self.facts.finishReasons = reason
            self.facts.isComplete = true
        }
        if let usage = document["usage"] { self.facts.usage = BedrockAnswerDecoder.usage(usage).evidence }
        if let tier = document["serviceTier"]?["type"]?.text { self.facts.serviceTier = tier }
        // InvokeModelWithResponseStream: the maker's own events in base64, the last one with Bedrock's counts.
        if let chunk = document["bytes"]?.text, let bytes = Base64.decode(chunk), let inner = try? JSONDocument(bytes) { self.invoked(inner) }
        return .pass
    }

    func document(_ bytes: ByteBuffer) {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object else { return }
        self.facts.isComplete = true
        self.facts.finishReasons = document["stopReason"]?.text
        if document["output"]?["message"] != nil, let usage = document["usage"] {
            self.facts.usage = BedrockAnswerDecoder.usage(usage).evidence
            self.facts.serviceTier = document["serviceTier"]?["type"]?.text
        } else {
            self.invoked(document)
        }
    }

    /// Counts of an answer of InvokeModel: Bedrock's own, else those of the maker's format.
    private func invoked(_ document: JSONDocument) {
        if let metrics = document["amazon-bedrock-invocationMetrics"] {
            var usage = ChatUsage()
            usage.cachedInput = metrics["cacheReadInputTokenCount"]?.tokens
            usage.cacheWrites = metrics["cacheWriteInputTokenCount"]?.tokens
            usage.input = (metrics["inputTokenCount"]?.tokens ?? 0) + (usage.cachedInput ?? 0) + (usage.cacheWrites ?? 0)
            usage.output = metrics["outputTokenCount"]?.tokens ?? 0
            self.facts.usage = usage.evidence
            self.facts.isComplete = true
            return
        }
        if let reason = document["stop_reason"]?.text ?? document["delta"]?["stop_reason"]?.text { self.facts.finishReasons = reason }
        var usage = ChatUsage()
        if let counts = document["usage"], counts["input_tokens"] != nil {
            var anthropic = AnthropicUsage()
            anthropic.read(counts)
            usage = anthropic.usage
        } else if let counts = document["usage"], counts["inputTokens"] != nil {
            usage = BedrockAnswerDecoder.usage(counts)
        } else if let input = document["prompt_token_count"]?.tokens {
            // Llama.
            usage.input = input
            usage.output = document["generation_token_count"]?.tokens ?? 0
        } else if let input = document["inputTextTokenCount"]?.tokens {
            // Titan, embeddings too.
            usage.input = input
            usage.output = document["results"]?.elements.first { _ in true }?["tokenCount"]?.tokens ?? 0
        } else {
            return
        }
        self.facts.usage = usage.evidence
    }

    private static func isDelta(_ data: UnsafeRawBufferPointer) -> Bool {
        func begins(_ text: StaticString) -> Bool { data.count > text.utf8CodeUnitCount && UnsafeRawBufferPointer(rebasing: data[..<text.utf8CodeUnitCount]).isText(text) }
        return begins("{\"contentBlockIndex\"") || begins("{\"delta\"")
    }
}
