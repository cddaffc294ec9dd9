import GatewayCore
import GatewayWire
import NIOCore

/// Reads a stream of `streamGenerateContent`: every event is an answer with the next parts. The stream has no end marker; it is complete when each candidate has said why it ended.
final class GeminiStreamDecoder: ChatStreamDecoder {
    private var hasBegun = false
    private var candidates = OpenChoices()
    /// Calls of each candidate so far.
    private var callCounts: [Int: Int] = [:]

    func decode(_ frame: StreamFrame, into sink: any ChatStreamSink) throws(ProviderFailure) {
        guard let document = try? JSONDocument(frame.data), document.result.root.kind == .object else { throw AnswerFailure.unreadable("gemini") }
        if let error = document["error"] {
            return sink.take(.failure(GeminiAnswerDecoder.error(status: AnswerFailure.status(error["code"]) ?? 500, error)))
        }
        if !self.hasBegun {
            self.hasBegun = true
            sink.take(.begin(ChatStreamHead(id: ChatText(document["responseId"]), model: ChatText(document["modelVersion"]))))
        }
        let usage = document["usageMetadata"]
        if let candidates = document["candidates"] { for candidate in candidates.elements { self.candidate(candidate, sink) } }
        if let usage {
            var counts = GeminiAnswerDecoder.usage(usage)
            counts.serviceTier = usage["trafficType"]?.string
            sink.take(.usage(counts))
        }
        if document["candidates"] == nil, let reason = GeminiAnswerDecoder.blockReason(document.root) {
            self.candidates.end(0)
            sink.take(.finish(ChatFinishReason(.contentFilter, reason), stopSequence: nil, choice: 0))
        }
    }

    func finish(into sink: any ChatStreamSink) {
        if self.candidates.haveEnded { sink.take(.end) }
    }

    private func candidate(_ candidate: JSONView, _ sink: any ChatStreamSink) {
        let choice = candidate["index"]?.int ?? 0
        self.candidates.begin(choice)
        if let parts = candidate["content"]?["parts"] { for part in parts.elements { self.part(GeminiAnswerDecoder.part(part), choice, sink) } }
        guard let reason = candidate["finishReason"], let meaning = GeminiAnswerDecoder.finishReason(reason, hasCalls: self.callCounts[choice] != nil) else { return }
        self.candidates.end(choice)
        sink.take(.finish(meaning, stopSequence: nil, choice: choice))
    }

    private func part(_ part: ChatPart, _ choice: Int, _ sink: any ChatStreamSink) {
        switch part.content {
        case .text(let text): if !text.isEmpty { sink.take(.text(text, choice: choice)) }
        case .reasoning(let text): if !text.isEmpty { sink.take(.reasoning(text, choice: choice)) }
        case .toolCall(let call):
            let index = self.callCounts[choice] ?? 0
            self.callCounts[choice] = index + 1
            sink.take(.toolCall(id: call.id, name: call.name, signature: part.signature, index: index, choice: choice))
            switch call.arguments {
            case .json(let arguments): sink.take(.toolArguments(ChatText(plain: arguments.raw), index: index, choice: choice))
            case .text(let text): sink.take(.toolArguments(text, index: index, choice: choice))
            }
        default: sink.take(.part(part, choice: choice))
        }
    }
}
