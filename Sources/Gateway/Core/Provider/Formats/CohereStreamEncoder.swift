import GatewayWire
import NIOCore

/// Writes a stream of Cohere's chat API (https://docs.cohere.com/docs/streaming).
///
/// The API has numbered blocks of content that begin and end, and calls of tools that are numbered for themselves. Only the first choice is written, since the API gives one.
final class CohereStreamEncoder: ChatStreamEncoder {
    private let context: AnswerContext
    private var hasBegun = false
    private var hasEnded = false
    private var block = Block.none
    private var blockIndex = -1
    private var callIndex = -1
    private var usage: ChatUsage?
    private var finish: ChatFinishReason?

    private enum Block { case none, text, thinking, call }

    init(_ context: AnswerContext) { self.context = context }

    var contentType: StaticString { "text/event-stream" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        if case .keepAlive = event {
            output.writeStaticString(":\n\n")
            return
        }
        if !self.hasBegun { self.begin(event, &output) }
        switch event {
        case .text(let text, 0), .refusal(let text, 0): self.content(.text, text, &output)
        case .reasoning(let text, 0): self.content(.thinking, text, &output)
        case .toolCall(let id, let name, _, let index, 0): self.open(call: index, id, name, &output)
        case .toolArguments(let text, let index, 0):
            output.writeStaticString("event: tool-call-delta\ndata: {\"type\":\"tool-call-delta\",\"index\":")
            HTTPWriter.decimal(index, into: &output)
            output.writeStaticString(",\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\"")
            text.writeContent(into: &output)
            output.writeStaticString("\"}}}}}\n\n")
        case .finish(let reason, _, 0): self.finish = reason
        case .usage(let usage): self.usage = usage
        case .end: self.end(nil, &output)
        case .failure(let error): self.end(error, &output)
        case .begin, .keepAlive, .text, .refusal, .reasoning, .reasoningSignature, .toolCall, .toolArguments, .redactedReasoning, .finish, .part, .extra: return
        }
    }

    // MARK: Beginning and end

    private func begin(_ event: ChatStreamEvent, _ output: inout ByteBuffer) {
        self.hasBegun = true
        var head = ChatStreamHead()
        if case .begin(let given) = event { head = given }
        self.usage = head.usage
        output.writeStaticString("event: message-start\ndata: {\"type\":\"message-start\",\"id\":\"")
        if let id = head.id { id.writeContent(into: &output) } else { output.writeString(self.context.requestID) }
        output.writeStaticString("\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\",\"tool_calls\":[],\"citations\":[]}}}\n\n")
    }

    /// - Parameter error: what ended the stream; the API tells it in the last event.
    private func end(_ error: ProviderError?, _ output: inout ByteBuffer) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.close(&output)
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.member("type", text: "message-end")
        writer.key("delta")
        writer.beginObject()
        writer.member("error", error?.message)
        writer.member("finish_reason", text: error == nil ? CohereAnswerEncoder.spelling(self.finish?.kind ?? .stop) : "ERROR")
        writer.key("usage")
        CohereAnswerEncoder.usage(self.usage ?? ChatUsage(), &writer)
        writer.endObject()
        writer.endObject()
        output.writeStaticString("event: message-end\ndata: ")
        output.writeImmutableBuffer(writer.buffer)
        output.writeStaticString("\n\n")
    }

    // MARK: Blocks

    private func content(_ block: Block, _ text: ChatText, _ output: inout ByteBuffer) {
        if self.block != block {
            self.close(&output)
            self.blockIndex += 1
            self.block = block
            output.writeStaticString("event: content-start\ndata: {\"type\":\"content-start\",\"index\":")
            HTTPWriter.decimal(self.blockIndex, into: &output)
            let opening: StaticString = block == .text ? "{\"type\":\"text\",\"text\":\"\"}" : "{\"type\":\"thinking\",\"thinking\":\"\"}"
            output.writeStaticString(",\"delta\":{\"message\":{\"content\":")
            output.writeStaticString(opening)
            output.writeStaticString("}}}\n\n")
        }
        output.writeStaticString("event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":")
        HTTPWriter.decimal(self.blockIndex, into: &output)
        output.writeStaticString(block == .text ? ",\"delta\":{\"message\":{\"content\":{\"text\":\"" : ",\"delta\":{\"message\":{\"content\":{\"thinking\":\"")
        text.writeContent(into: &output)
        output.writeStaticString("\"}}}}\n\n")
    }

    private func open(call index: Int, _ id: ChatText?, _ name: ChatText, _ output: inout ByteBuffer) {
        self.close(&output)
        self.block = .call
        self.callIndex = index
        output.writeStaticString("event: tool-call-start\ndata: {\"type\":\"tool-call-start\",\"index\":")
        HTTPWriter.decimal(index, into: &output)
        output.writeStaticString(",\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"")
        if let id { id.writeContent(into: &output) } else { output.writeString("call_\(self.context.requestID)_\(index)") }
        output.writeStaticString("\",\"type\":\"function\",\"function\":{\"name\":\"")
        name.writeContent(into: &output)
        output.writeStaticString("\",\"arguments\":\"\"}}}}}\n\n")
    }

    private func close(_ output: inout ByteBuffer) {
        switch self.block {
        case .none: return
        case .text, .thinking:
            output.writeStaticString("event: content-end\ndata: {\"type\":\"content-end\",\"index\":")
            HTTPWriter.decimal(self.blockIndex, into: &output)
        case .call:
            output.writeStaticString("event: tool-call-end\ndata: {\"type\":\"tool-call-end\",\"index\":")
            HTTPWriter.decimal(self.callIndex, into: &output)
        }
        output.writeStaticString("}\n\n")
        self.block = .none
    }
}
