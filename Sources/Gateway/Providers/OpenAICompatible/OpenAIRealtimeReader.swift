import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Reads the events that a server of OpenAI's Realtime API sends: what its responses used, added up over the session.
///
/// Events: https://platform.openai.com/docs/api-reference/realtime-server-events. Transcriptions of what was said are another model's, and not counted.
final class OpenAIRealtimeReader: ModelResponseReader {
    private var state = ModelResponseFacts()
    /// Responses that have begun and not ended.
    private var open = 0
    private var statuses: [ByteBuffer] = []

    var facts: ModelResponseFacts {
        var facts = self.state
        facts.isComplete = self.open == 0
        // What a response used that a connection's end cut off is never told.
        if self.open > 0 { facts.usage.source = .partial }
        return facts
    }

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        switch OpenAIRealtimeReader.kind(data) {
        case .other: return .pass
        case .responseBegun: self.open += 1
        case .session:
            guard let session = (try? JSONDocument(ByteBuffer(bytes: data)))?["session"] else { return .pass }
            if let model = session["model"]?.text { self.state.model = model }
            if let id = session["id"]?.text { self.state.id = id }
        case .responseDone:
            self.open = max(0, self.open - 1)
            self.state.sessionAnswers += 1
            if let response = (try? JSONDocument(ByteBuffer(bytes: data)))?["response"] { self.read(response) }
        }
        return .pass
    }

    /// There are no documents in a session.
    func document(_ bytes: ByteBuffer) {}

    private func read(_ response: JSONView) {
        if let status = response["status"]?.text, (1...64).contains(status.readableBytes), self.statuses.count < 8, !self.statuses.contains(status) {
            self.statuses.append(status)
            var joined = self.state.finishReasons ?? ByteBuffer()
            if joined.readableBytes > 0 { joined.writeStaticString(",") }
            joined.writeImmutableBuffer(status)
            self.state.finishReasons = joined
        }
        guard let usage = response["usage"], usage.kind == .object else { return }
        self.state.usage.input = TokenCount.sum(self.state.usage.input, usage["input_tokens"])
        self.state.usage.output = TokenCount.sum(self.state.usage.output, usage["output_tokens"])
        self.state.usage.cachedInput = TokenCount.sum(self.state.usage.cachedInput, usage["input_token_details"]?["cached_tokens"])
        self.state.usage.inputAudio = TokenCount.sum(self.state.usage.inputAudio, usage["input_token_details"]?["audio_tokens"])
        self.state.usage.outputAudio = TokenCount.sum(self.state.usage.outputAudio, usage["output_token_details"]?["audio_tokens"])
        self.state.usage.source = .providerReported
    }

    // MARK: Kinds

    private enum Kind { case session, responseBegun, responseDone, other }

    /// By the event's own `type`, wherever it stands: most events are sound, of which nothing else is looked at.
    private static func kind(_ data: UnsafeRawBufferPointer) -> Kind {
        guard var walk = JSONWalk(data) else { return .other }
        var kind = Kind.other
        _ = walk.object { walk, key in
            guard key.count == 4, key.isText("type"), let range = walk.plainString() else { return }
            let text = UnsafeRawBufferPointer(rebasing: data[range])
            if text.isText("response.done") {
                kind = .responseDone
            } else if text.isText("response.created") {
                kind = .responseBegun
            } else if text.isText("session.created") || text.isText("session.updated") {
                kind = .session
            }
        }
        return kind
    }
}
