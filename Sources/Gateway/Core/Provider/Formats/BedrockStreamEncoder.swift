import GatewayWire
import NIOCore

/// Writes a stream of ConverseStream in AWS's binary framing.
///
/// The API has numbered blocks; a block of text begins with its first piece, one of a call with an event of its own. Only the first choice is written, since the API
/// gives one.
final class BedrockStreamEncoder: ChatStreamEncoder {
    private var hasBegun = false
    private var hasEnded = false
    private var block = Block.none
    private var blockIndex = -1
    /// The block of each call.
    private var callBlocks: [Int] = []
    private var usage: ChatUsage?
    private var finish: ChatFinishReason?
    /// Room for one payload, used again for the next.
    private var payload = ByteBuffer()

    private enum Block { case none, text, reasoning, call }

    var contentType: StaticString { "application/vnd.amazon.eventstream" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        if case .failure(let error) = event { return self.fail(error, &output) }
        if case .keepAlive = event { return }
        if !self.hasBegun {
            self.hasBegun = true
            EventStreamWriter.event("messageStart", payload: ByteBuffer(staticString: "{\"role\":\"assistant\"}"), into: &output)
        }
        switch event {
        case .begin(let head): self.usage = head.usage ?? self.usage
        case .text(let text, 0), .refusal(let text, 0): self.delta(.text, "{\"text\":\"", text, "\"}", &output)
        case .reasoning(let text, 0): self.delta(.reasoning, "{\"reasoningContent\":{\"text\":\"", text, "\"}}", &output)
        case .reasoningSignature(let text, 0): self.delta(.reasoning, "{\"reasoningContent\":{\"signature\":\"", text, "\"}}", &output)
        case .redactedReasoning(let data, 0): self.delta(.reasoning, "{\"reasoningContent\":{\"redactedContent\":\"", data, "\"}}", &output)
        case .toolCall(let id, let name, _, let index, 0): self.open(call: index, id, name, &output)
        case .toolArguments(let text, let index, 0):
            if self.callBlocks.indices.contains(index) { self.piece(self.callBlocks[index], "{\"toolUse\":{\"input\":\"", text, "\"}}", &output) }
        case .finish(let reason, _, 0): self.finish = reason
        case .usage(let usage): self.usage = usage
        case .end: self.end(&output)
        case .failure, .keepAlive, .text, .refusal, .reasoning, .reasoningSignature, .toolCall, .toolArguments, .redactedReasoning, .finish, .part, .extra: return
        }
    }

    private func end(_ output: inout ByteBuffer) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.close(&output)
        var stop = JSONWriter(capacity: 64)
        stop.beginObject()
        stop.member("stopReason", text: BedrockAnswerEncoder.spelling(self.finish?.kind ?? .stop))
        stop.endObject()
        EventStreamWriter.event("messageStop", payload: stop.buffer, into: &output)
        var metadata = JSONWriter(capacity: 128)
        metadata.beginObject()
        metadata.key("usage")
        BedrockAnswerEncoder.usage(self.usage ?? ChatUsage(), &metadata)
        metadata.key("metrics")
        metadata.beginObject()
        metadata.member("latencyMs", 0)
        metadata.endObject()
        metadata.endObject()
        EventStreamWriter.event("metadata", payload: metadata.buffer, into: &output)
    }

    private func fail(_ error: ProviderError, _ output: inout ByteBuffer) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("message", error.message)
        writer.endObject()
        let name: StaticString =
            switch error.failure {
            case .rateLimited: "throttlingException"
            case .overloaded: "serviceUnavailableException"
            case .invalidRequest, .notFound, .authentication: "validationException"
            case .none, .serverError: "internalServerException"
            }
        EventStreamWriter.exception(name, payload: writer.buffer, into: &output)
    }

    // MARK: Blocks

    private func delta(_ block: Block, _ prefix: StaticString, _ text: ChatText, _ suffix: StaticString, _ output: inout ByteBuffer) {
        if self.block != block {
            self.close(&output)
            self.blockIndex += 1
            self.block = block
        }
        self.piece(self.blockIndex, prefix, text, suffix, &output)
    }

    private func piece(_ index: Int, _ prefix: StaticString, _ text: ChatText, _ suffix: StaticString, _ output: inout ByteBuffer) {
        self.payload.clear()
        self.payload.writeStaticString("{\"contentBlockIndex\":")
        HTTPWriter.decimal(index, into: &self.payload)
        self.payload.writeStaticString(",\"delta\":")
        self.payload.writeStaticString(prefix)
        text.writeContent(into: &self.payload)
        self.payload.writeStaticString(suffix)
        self.payload.writeStaticString("}")
        EventStreamWriter.event("contentBlockDelta", payload: self.payload, into: &output)
    }

    private func open(call index: Int, _ id: ChatText?, _ name: ChatText, _ output: inout ByteBuffer) {
        self.close(&output)
        self.blockIndex += 1
        self.block = .call
        self.payload.clear()
        self.payload.writeStaticString("{\"contentBlockIndex\":")
        HTTPWriter.decimal(self.blockIndex, into: &self.payload)
        self.payload.writeStaticString(",\"start\":{\"toolUse\":{\"toolUseId\":\"")
        if let id { id.writeContent(into: &self.payload) } else { self.payload.writeString("tooluse_\(index)") }
        self.payload.writeStaticString("\",\"name\":\"")
        name.writeContent(into: &self.payload)
        self.payload.writeStaticString("\"}}}")
        EventStreamWriter.event("contentBlockStart", payload: self.payload, into: &output)
        while self.callBlocks.count < min(index, 1_024) { self.callBlocks.append(self.blockIndex) }
        self.callBlocks.append(self.blockIndex)
    }

    private func close(_ output: inout ByteBuffer) {
        guard self.block != .none else { return }
        self.block = .none
        self.payload.clear()
        self.payload.writeStaticString("{\"contentBlockIndex\":")
        HTTPWriter.decimal(self.blockIndex, into: &self.payload)
        self.payload.writeStaticString("}")
        EventStreamWriter.event("contentBlockStop", payload: self.payload, into: &output)
    }
}
