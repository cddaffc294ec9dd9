import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Reads answers of the Messages API that go to a client of the same format as they are.
final class AnthropicResponseReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()
    private(set) var hasFailed = false
    private var counts = AnthropicUsage()

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        // Most events carry content and nothing else.
        guard data.count > 24, !UnsafeRawBufferPointer(rebasing: data[..<24]).isText("{\"type\":\"content_block_de") else { return .pass }
        guard let document = try? JSONDocument(ByteBuffer(bytes: data)), let type = document["type"] else { return .pass }
        if type.equals("message_start"), let message = document["message"] {
            self.facts.id = message["id"]?.text
            self.facts.model = message["model"]?.text
            if let usage = message["usage"] { self.read(usage) }
        } else if type.equals("message_delta") {
            if let usage = document["usage"] { self.read(usage) }
            if let reason = document["delta"]?["stop_reason"]?.text { self.facts.finishReasons = reason }
        } else if type.equals("message_stop") {
            self.facts.isComplete = true
        } else if type.equals("error") {
            self.hasFailed = true
        }
        return .pass
    }

    func document(_ bytes: ByteBuffer) {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object else { return }
        self.facts.isComplete = true
        self.facts.id = document["id"]?.text
        self.facts.model = document["model"]?.text
        self.facts.finishReasons = document["stop_reason"]?.text
        // An answer of count_tokens has none: nothing was used.
        if let usage = document["usage"] { self.read(usage) }
    }

    private func read(_ usage: JSONView) {
        self.counts.read(usage)
        if let tier = usage["service_tier"]?.text { self.facts.serviceTier = tier }
        self.facts.usage = self.counts.usage.evidence
    }
}
