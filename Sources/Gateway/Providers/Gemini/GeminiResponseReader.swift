import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Reads answers of `generateContent` that go to a client of the same format as they are.
final class GeminiResponseReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()
    private(set) var hasFailed = false

    /// Each event carries the counts so far; the last one counts.
    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        self.read(ByteBuffer(bytes: data))
        return .pass
    }

    func document(_ bytes: ByteBuffer) {
        guard let first = bytes.readableBytesView.first(where: { $0 > 0x20 }) else { return }
        guard first == UInt8(ascii: "[") else { return self.read(bytes) }
        // A stream without `alt=sse` is one array of answers.
        guard let root = try? JSONScanner.scan(bytes).root else { return }
        for element in JSONView(bytes, root).elements { self.read(element.raw) }
    }

    private func read(_ bytes: ByteBuffer) {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object else { return }
        if let id = document["responseId"]?.text { self.facts.id = id }
        if let model = document["modelVersion"]?.text { self.facts.model = model }
        if let usage = document["usageMetadata"] {
            self.facts.usage = GeminiAnswerDecoder.usage(usage).evidence
            // https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#TrafficType
            if let tier = usage["trafficType"]?.text { self.facts.serviceTier = tier }
        }
        guard let candidates = document["candidates"] else {
            if document["error"]?.kind == .object { self.hasFailed = true }
            return
        }
        for candidate in candidates.elements {
            guard let reason = candidate["finishReason"]?.text else { continue }
            self.facts.finishReasons = reason
            self.facts.isComplete = true
        }
    }
}
