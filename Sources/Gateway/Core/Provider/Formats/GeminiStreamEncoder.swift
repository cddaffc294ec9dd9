import GatewayWire
import NIOCore

/// Writes a stream of `streamGenerateContent`: every event an answer with the next parts, as server-sent events or as the elements of one array.
///
/// The format has calls whole, so the pieces of their arguments are collected; reasons and counts come with the last event.
final class GeminiStreamEncoder: ChatStreamEncoder {
    private let context: AnswerContext
    private var model = ByteBuffer()
    private var id = ByteBuffer()
    private var hasBegun = false
    private var hasElements = false
    private var hasEnded = false
    private var usage: ChatUsage?
    private var reasons: [(choice: Int, reason: ChatFinishReason)] = []
    private var calls: [OpenCall] = []

    private struct OpenCall {
        let choice: Int
        let index: Int
        let id: ChatText?
        let name: ChatText
        let signature: ChatText?
        var arguments = ByteBuffer()
    }

    init(_ context: AnswerContext) { self.context = context }

    var contentType: StaticString { self.context.streamsArray ? "application/json" : "text/event-stream" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        // The SDKs read lines of data, or elements, and nothing else.
        if case .keepAlive = event { return }
        if !self.hasBegun { self.begin(event) }
        switch event {
        case .begin: return
        case .text(let text, let choice), .refusal(let text, let choice): self.write(ChatPart(.text(text)), choice, &output)
        case .reasoning(let text, let choice): self.write(ChatPart(.reasoning(text)), choice, &output)
        case .part(let part, let choice): if case .media = part.content { self.write(part, choice, &output) }
        case .toolCall(let id, let name, let signature, let index, let choice):
            self.calls.append(OpenCall(choice: choice, index: index, id: id, name: name, signature: signature))
        case .toolArguments(let text, let index, let choice):
            guard let open = self.calls.lastIndex(where: { $0.choice == choice && $0.index == index }) else { return }
            self.calls[open].arguments.writeImmutableBuffer(text.plain)
        case .finish(let reason, _, let choice): self.reasons.append((choice, reason))
        case .usage(let usage): self.usage = usage
        case .end: self.end(&output)
        case .failure(let error):
            self.open(&output)
            output.writeImmutableBuffer(GeminiAnswerEncoder.error(error))
            self.close(&output)
            if self.context.streamsArray { output.writeStaticString("]") }
        case .extra(let extra, let choice):
            guard extra.key == "audio", extra.value["data"] != nil || extra.value["transcript"] != nil else { return }
            self.write(choice, &output) { GeminiAnswerEncoder.speech(extra.value, &$0) }
        case .reasoningSignature, .redactedReasoning, .keepAlive: return
        }
    }

    private func begin(_ event: ChatStreamEvent) {
        if case .failure = event { return }
        self.hasBegun = true
        var head = ChatStreamHead()
        if case .begin(let given) = event { head = given }
        var writer = JSONWriter(capacity: 64)
        if let model = head.model { writer.string(model) } else { writer.string(self.context.model) }
        self.model = writer.buffer
        writer = JSONWriter(capacity: 64)
        if let id = head.id { writer.string(id) } else { writer.string(self.context.requestID) }
        self.id = writer.buffer
    }

    private func end(_ output: inout ByteBuffer) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        for open in self.calls {
            var part = ChatPart(.toolCall(ChatToolCall(id: open.id, name: open.name, arguments: .text(ChatText(plain: open.arguments)))))
            part.signature = open.signature
            self.write(part, open.choice, &output)
        }
        if self.reasons.isEmpty { self.reasons.append((0, ChatFinishReason(.other, ChatText("OTHER" as StaticString)))) }
        self.open(&output)
        var writer = JSONWriter(capacity: 384)
        writer.beginObject()
        writer.key("candidates")
        writer.beginArray()
        for (choice, reason) in self.reasons {
            writer.beginObject()
            // The SDKs expect a content in every candidate.
            writer.key("content")
            writer.beginObject()
            writer.key("parts")
            writer.beginArray()
            writer.beginObject()
            writer.member("text", text: "")
            writer.endObject()
            writer.endArray()
            writer.member("role", text: "model")
            writer.endObject()
            GeminiAnswerEncoder.finishReason(reason, nil, &writer)
            writer.member("index", choice)
            writer.endObject()
        }
        writer.endArray()
        if let usage = self.usage {
            writer.key("usageMetadata")
            GeminiAnswerEncoder.usage(usage, &writer)
        }
        self.tail(&writer)
        writer.endObject()
        output.writeImmutableBuffer(writer.buffer)
        self.close(&output)
        if self.context.streamsArray { output.writeStaticString("]") }
    }

    private func write(_ part: ChatPart, _ choice: Int, _ output: inout ByteBuffer) { self.write(choice, &output) { GeminiAnswerEncoder.part(part, &$0) } }

    @inline(__always)
    private func write(_ choice: Int, _ output: inout ByteBuffer, _ part: (inout JSONWriter) -> Void) {
        self.open(&output)
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.key("candidates")
        writer.beginArray()
        writer.beginObject()
        writer.key("content")
        writer.beginObject()
        writer.key("parts")
        writer.beginArray()
        part(&writer)
        writer.endArray()
        writer.member("role", text: "model")
        writer.endObject()
        writer.member("index", choice)
        writer.endObject()
        writer.endArray()
        self.tail(&writer)
        writer.endObject()
        output.writeImmutableBuffer(writer.buffer)
        self.close(&output)
    }

    private func tail(_ writer: inout JSONWriter) {
        writer.key("modelVersion")
        writer.raw(self.model)
        writer.key("responseId")
        writer.raw(self.id)
    }

    private func open(_ output: inout ByteBuffer) {
        guard self.context.streamsArray else {
            output.writeStaticString("data: ")
            return
        }
        output.writeStaticString(self.hasElements ? ",\n" : "[")
        self.hasElements = true
    }

    private func close(_ output: inout ByteBuffer) {
        if !self.context.streamsArray { output.writeStaticString("\n\n") }
    }
}
