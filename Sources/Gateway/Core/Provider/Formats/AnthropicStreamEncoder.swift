import GatewayWire
import NIOCore

/// Writes a stream of Anthropic's Messages API (https://docs.anthropic.com/en/docs/build-with-claude/streaming).
///
/// The API has numbered blocks that begin and end: they are opened and closed here as the kind of what arrives changes. Only the first choice is written, since the
/// API gives one.
final class AnthropicStreamEncoder: ChatStreamEncoder {
    private let context: AnswerContext
    private var hasBegun = false
    private var hasEnded = false
    private var block = Block.none
    private var blockIndex = -1
    /// The block of each call.
    private var callBlocks: [Int] = []
    private var usage: ChatUsage?
    private var finish: (reason: ChatFinishReason, stopSequence: ChatText?)?

    private enum Block {
        case none, text, thinking, call
    }

    init(_ context: AnswerContext) { self.context = context }

    var contentType: StaticString { "text/event-stream" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        if !self.hasBegun { self.begin(event, &output) }
        switch event {
        case .begin: return
        // The API's own comes behind the beginning.
        case .keepAlive: if self.hasBegun { output.writeStaticString("event: ping\ndata: {\"type\":\"ping\"}\n\n") } else { output.writeStaticString(":\n\n") }
        case .text(let text, 0), .refusal(let text, 0): self.delta(.text, "{\"type\":\"text_delta\",\"text\":\"", text, &output)
        case .reasoning(let text, 0): self.delta(.thinking, "{\"type\":\"thinking_delta\",\"thinking\":\"", text, &output)
        case .reasoningSignature(let text, 0): self.delta(.thinking, "{\"type\":\"signature_delta\",\"signature\":\"", text, &output)
        case .toolCall(let id, let name, _, let index, 0): self.open(call: index, id, name, &output)
        case .toolArguments(let text, let index, 0):
            // Calls may take turns; each piece names its block.
            if self.callBlocks.indices.contains(index) { self.piece(self.callBlocks[index], "{\"type\":\"input_json_delta\",\"partial_json\":\"", text, &output) }
        case .redactedReasoning(let data, 0): self.whole(ChatPart(.redactedReasoning(data)), &output)
        case .finish(let reason, let stopSequence, 0): self.finish = (reason, stopSequence)
        case .usage(let usage): self.usage = usage
        case .end: self.end(&output)
        case .failure(let error):
            output.writeStaticString("event: error\ndata: ")
            output.writeImmutableBuffer(AnthropicAnswerEncoder.error(error))
            output.writeStaticString("\n\n")
        case .text, .refusal, .reasoning, .reasoningSignature, .toolCall, .toolArguments, .redactedReasoning, .finish, .part, .extra: return
        }
    }

    // MARK: Beginning and end

    private func begin(_ event: ChatStreamEvent, _ output: inout ByteBuffer) {
        switch event {
        case .failure, .keepAlive: return
        default: break
        }
        self.hasBegun = true
        var head = ChatStreamHead()
        if case .begin(let given) = event { head = given }
        self.usage = head.usage
        var writer = JSONWriter(capacity: 320)
        writer.beginObject()
        writer.member("type", text: "message_start")
        writer.key("message")
        writer.beginObject()
        writer.key("id")
        if let id = head.id { writer.string(id) } else { writer.string("msg_" + self.context.requestID) }
        writer.member("type", text: "message")
        writer.member("role", text: "assistant")
        writer.key("model")
        if let model = head.model { writer.string(model) } else { writer.string(self.context.model) }
        writer.key("content")
        writer.beginArray()
        writer.endArray()
        writer.key("stop_reason")
        writer.null()
        writer.key("stop_sequence")
        writer.null()
        writer.key("usage")
        AnthropicAnswerEncoder.usage(head.usage ?? ChatUsage(), &writer)
        writer.endObject()
        writer.endObject()
        self.event("message_start", writer.buffer, &output)
    }

    private func end(_ output: inout ByteBuffer) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.close(&output)
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.member("type", text: "message_delta")
        writer.key("delta")
        writer.beginObject()
        writer.key("stop_reason")
        if let finish = self.finish { writer.string(AnthropicAnswerEncoder.spelling(finish.reason.kind)) } else { writer.null() }
        writer.key("stop_sequence")
        if let sequence = self.finish?.stopSequence { writer.string(sequence) } else { writer.null() }
        writer.endObject()
        writer.key("usage")
        AnthropicAnswerEncoder.usage(self.usage ?? ChatUsage(), &writer)
        writer.endObject()
        self.event("message_delta", writer.buffer, &output)
        output.writeStaticString("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    }

    private func event(_ name: StaticString, _ data: ByteBuffer, _ output: inout ByteBuffer) {
        output.writeStaticString("event: ")
        output.writeStaticString(name)
        output.writeStaticString("\ndata: ")
        output.writeImmutableBuffer(data)
        output.writeStaticString("\n\n")
    }

    // MARK: Blocks

    private func delta(_ block: Block, _ prefix: StaticString, _ text: ChatText, _ output: inout ByteBuffer) {
        if self.block != block {
            self.close(&output)
            self.open(block == .text ? "{\"type\":\"text\",\"text\":\"\"}" : "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}", &output)
            self.block = block
        }
        self.piece(self.blockIndex, prefix, text, &output)
    }

    private func piece(_ index: Int, _ prefix: StaticString, _ text: ChatText, _ output: inout ByteBuffer) {
        output.writeStaticString("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":")
        HTTPWriter.decimal(index, into: &output)
        output.writeStaticString(",\"delta\":")
        output.writeStaticString(prefix)
        text.writeContent(into: &output)
        output.writeStaticString("\"}}\n\n")
    }

    private func open(_ content: StaticString, _ output: inout ByteBuffer) {
        self.open(&output)
        output.writeStaticString(content)
        output.writeStaticString("}\n\n")
    }

    private func open(_ output: inout ByteBuffer) {
        self.blockIndex += 1
        output.writeStaticString("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":")
        HTTPWriter.decimal(self.blockIndex, into: &output)
        output.writeStaticString(",\"content_block\":")
    }

    private func open(call index: Int, _ id: ChatText?, _ name: ChatText, _ output: inout ByteBuffer) {
        self.close(&output)
        self.open(&output)
        output.writeStaticString("{\"type\":\"tool_use\",\"id\":\"")
        if let id { id.writeContent(into: &output) } else { output.writeString("toolu_\(self.context.requestID)_\(index)") }
        output.writeStaticString("\",\"name\":\"")
        name.writeContent(into: &output)
        output.writeStaticString("\",\"input\":{}}}\n\n")
        self.block = .call
        while self.callBlocks.count < min(index, 1_024) { self.callBlocks.append(self.blockIndex) }
        self.callBlocks.append(self.blockIndex)
    }

    /// A block that comes whole.
    private func whole(_ part: ChatPart, _ output: inout ByteBuffer) {
        self.close(&output)
        var writer = JSONWriter(capacity: 256)
        AnthropicAnswerEncoder.block(part, 0, self.context, &writer)
        self.open(&output)
        output.writeImmutableBuffer(writer.buffer)
        output.writeStaticString("}\n\n")
        self.block = .text
        self.close(&output)
    }

    private func close(_ output: inout ByteBuffer) {
        guard self.block != .none else { return }
        self.block = .none
        output.writeStaticString("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":")
        HTTPWriter.decimal(self.blockIndex, into: &output)
        output.writeStaticString("}\n\n")
    }
}
