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
        if let chunk = document["bytes"]?.text, let bytes = Base64Bytes.decode(chunk), let inner = try? JSONDocument(bytes) { self.invoked(inner) }
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

/// Base64 of RFC 4648 section 4.
enum Base64Bytes {
    static func decode(_ text: ByteBuffer) -> ByteBuffer? {
        var output = ByteBufferAllocator().buffer(capacity: text.readableBytes * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in text.readableBytesView {
            let value: UInt8
            switch byte {
            case 0x41...0x5a: value = byte - 0x41
            case 0x61...0x7a: value = byte - 0x61 + 26
            case 0x30...0x39: value = byte - 0x30 + 52
            case 0x2b: value = 62
            case 0x2f: value = 63
            case 0x3d: continue
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                output.writeInteger(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return output
    }
}
