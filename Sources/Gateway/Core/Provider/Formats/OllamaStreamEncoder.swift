import GatewayWire
import NIOCore

/// Writes a stream of Ollama's `/api/chat`: one object a line, the last one with `done`.
///
/// The format has calls whole, so the pieces of their arguments are collected. It has one choice.
final class OllamaStreamEncoder: ChatStreamEncoder {
    private let context: AnswerContext
    /// What every line begins with, up to the next member: written once.
    private var head = ByteBuffer()
    private var calls: [OpenCall] = []
    private var reason: ChatFinishReason?
    private var usage: ChatUsage?
    private var hasEnded = false

    private struct OpenCall {
        let index: Int
        let id: ChatText?
        let name: ChatText
        var arguments = ByteBuffer()
    }

    init(_ context: AnswerContext) { self.context = context }

    var contentType: StaticString { "application/x-ndjson" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        if case .failure(let error) = event {
            output.writeImmutableBuffer(OllamaAnswerEncoder.error(error))
            output.writeInteger(UInt8(ascii: "\n"))
            return
        }
        if case .keepAlive = event { return }
        if self.head.readableBytes == 0 { self.begin(event) }
        switch event {
        case .begin(let head): self.usage = head.usage ?? self.usage
        case .text(let text, 0), .refusal(let text, 0): self.piece("content\":\"", text, &output)
        case .reasoning(let text, 0): self.piece("content\":\"\",\"thinking\":\"", text, &output)
        case .toolCall(let id, let name, _, let index, 0): self.calls.append(OpenCall(index: index, id: id, name: name))
        case .toolArguments(let text, let index, 0):
            guard let open = self.calls.lastIndex(where: { $0.index == index }) else { return }
            self.calls[open].arguments.writeImmutableBuffer(text.plain)
        case .finish(let reason, _, 0): self.reason = reason
        case .usage(let usage): self.usage = usage
        case .end: self.end(&output)
        case .failure, .keepAlive, .text, .refusal, .reasoning, .toolCall, .toolArguments, .finish, .reasoningSignature, .redactedReasoning, .part, .extra: return
        }
    }

    private func begin(_ event: ChatStreamEvent) {
        var given = ChatStreamHead()
        if case .begin(let head) = event { given = head }
        var writer = JSONWriter(capacity: 128)
        OllamaAnswerEncoder.begin(given.model, given.createdAt ?? self.context.createdAt, self.context, &writer)
        self.head = writer.buffer
        self.head.writeStaticString(",")
    }

    private func piece(_ name: StaticString, _ text: ChatText, _ output: inout ByteBuffer) {
        output.writeImmutableBuffer(self.head)
        output.writeStaticString("\"message\":{\"role\":\"assistant\",\"")
        output.writeStaticString(name)
        text.writeContent(into: &output)
        output.writeStaticString("\"},\"done\":false}\n")
    }

    private func end(_ output: inout ByteBuffer) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        if !self.calls.isEmpty {
            let parts = self.calls.map { ChatPart(.toolCall(ChatToolCall(id: $0.id, name: $0.name, arguments: .text(ChatText(plain: $0.arguments))))) }
            var writer = JSONWriter(self.head)
            OllamaAnswerEncoder.message(parts, &writer)
            writer.member("done", false)
            writer.endObject()
            output.writeImmutableBuffer(writer.buffer)
            output.writeInteger(UInt8(ascii: "\n"))
        }
        var writer = JSONWriter(self.head)
        OllamaAnswerEncoder.message([], &writer)
        OllamaAnswerEncoder.end(self.reason, self.usage, &writer)
        output.writeImmutableBuffer(writer.buffer)
        output.writeInteger(UInt8(ascii: "\n"))
    }
}
