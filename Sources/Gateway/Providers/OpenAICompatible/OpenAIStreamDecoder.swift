import GatewayCore
import GatewayWire
import NIOCore

/// Reads a stream of chunks in OpenAI's format.
final class OpenAIStreamDecoder: ChatStreamDecoder {
    private var hasBegun = false
    private var hasEnded = false
    private var choices = OpenChoices()
    /// The number within its choice of each call that has begun, by the stream's index.
    private var calls: [(choice: Int, index: Int)] = []

    func decode(_ frame: StreamFrame, into sink: any ChatStreamSink) throws(ProviderFailure) {
        let bytes = frame.data
        guard bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) == UInt8(ascii: "{") else {
            if bytes.readableBytesView.elementsEqual("[DONE]".utf8) { self.end(sink) }
            return
        }
        var spans = ChunkSpans()
        do {
            _ = try JSONScanner.scan(bytes) { member in spans.note(bytes, member) }
        } catch {
            throw AnswerFailure.unreadable("the provider")
        }
        if let error = spans.error, error.kind != .null { return sink.take(.failure(OpenAIAnswerDecoder.streamError(JSONView(bytes, error)))) }
        if spans.choices == nil, let error = OpenAIStreamDecoder.bareError(bytes) { return sink.take(.failure(error)) }
        // Azure sends a chunk about the prompt before the first one that names the model.
        if !self.hasBegun, let choices = spans.choices, !JSONView(bytes, choices).isEmptyContainer { self.begin(bytes, spans, sink) }
        if let choices = spans.choices { for choice in JSONView(bytes, choices).elements { self.choice(choice, sink) } }
        if let usage = spans.usage, let counts = OpenAIAnswerDecoder.usage(JSONView(bytes, usage)) { sink.take(.usage(counts)) }
    }

    /// An error without an object around it, as vLLM and Mistral write it: `{"object": "error", "message": …}`.
    private static func bareError(_ bytes: ByteBuffer) -> ProviderError? {
        guard let document = try? JSONDocument(bytes), document["object"]?.equals("error") == true else { return nil }
        return OpenAIAnswerDecoder.streamError(document.root)
    }

    func finish(into sink: any ChatStreamSink) {
        // Servers that forget [DONE] have said all when every choice has its reason.
        if self.choices.haveEnded { self.end(sink) }
    }

    private func end(_ sink: any ChatStreamSink) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        sink.take(.end)
    }

    private struct ChunkSpans {
        var id: JSONSpan?
        var model: JSONSpan?
        var created: JSONSpan?
        var choices: JSONSpan?
        var usage: JSONSpan?
        var error: JSONSpan?
        var serviceTier: JSONSpan?

        mutating func note(_ bytes: ByteBuffer, _ member: JSONMember) {
            bytes.withUnsafeReadableBytes { raw in
                let key = UnsafeRawBufferPointer(rebasing: raw[member.key.content])
                switch key.count {
                case 2 where key.isText("id"): self.id = member.value
                case 5 where key.isText("model"): self.model = member.value
                case 5 where key.isText("usage"): self.usage = member.value
                case 5 where key.isText("error"): self.error = member.value
                case 7 where key.isText("created"): self.created = member.value
                case 7 where key.isText("choices"): self.choices = member.value
                case 12 where key.isText("service_tier"): self.serviceTier = member.value
                default: return
                }
            }
        }
    }

    private func begin(_ bytes: ByteBuffer, _ spans: ChunkSpans, _ sink: any ChatStreamSink) {
        self.hasBegun = true
        let model = spans.model.flatMap { ChatText(bytes, $0) }
        sink.take(
            .begin(
                ChatStreamHead(
                    id: spans.id.flatMap { ChatText(bytes, $0) }, model: model.flatMap { $0.isEmpty ? nil : $0 },
                    createdAt: spans.created.flatMap { JSONView(bytes, $0).int }, serviceTier: spans.serviceTier.flatMap { ChatText(bytes, $0) })))
    }

    // MARK: Choices

    private func choice(_ choice: JSONView, _ sink: any ChatStreamSink) {
        let bytes = choice.bytes
        var index: JSONSpan?
        var delta: JSONSpan?
        var text: JSONSpan?
        var reason: JSONSpan?
        var logprobs: JSONSpan?
        choice.forEachMember { key, value in
            switch key.count {
            case 5 where key.isText("index"): index = value
            case 5 where key.isText("delta"): delta = value
            case 4 where key.isText("text"): text = value
            case 8 where key.isText("logprobs"): logprobs = value
            case 13 where key.isText("finish_reason"): reason = value
            default: return
            }
        }
        let number = index.flatMap { JSONView(bytes, $0).int } ?? 0
        self.choices.begin(number)
        if let delta { self.delta(JSONView(bytes, delta), number, sink) }
        if let text, let content = ChatText(bytes, text), !content.isEmpty { sink.take(.text(content, choice: number)) }
        if let logprobs, logprobs.kind == .object { sink.take(.extra(ChatExtra("logprobs", JSONView(bytes, logprobs)), choice: number)) }
        if let reason, let meaning = OpenAIAnswerDecoder.finishReason(JSONView(bytes, reason)), !meaning.spelling.isEmpty {
            self.choices.end(number)
            sink.take(.finish(meaning, stopSequence: nil, choice: number))
        }
    }

    private func delta(_ delta: JSONView, _ choice: Int, _ sink: any ChatStreamSink) {
        let bytes = delta.bytes
        var hasReasoning = false
        delta.forEachMember { key, value in
            switch key.count {
            case 4 where key.isText("role"): return
            case 7 where key.isText("content"): self.content(JSONView(bytes, value), choice, sink)
            case 7 where key.isText("refusal"): if let text = ChatText(bytes, value), !text.isEmpty { sink.take(.refusal(text, choice: choice)) }
            case 9 where key.isText("reasoning"), 17 where key.isText("reasoning_content"):
                // vLLM says the same under both names.
                guard !hasReasoning, let text = ChatText(bytes, value), !text.isEmpty else { return }
                hasReasoning = true
                sink.take(.reasoning(text, choice: choice))
            case 10 where key.isText("tool_calls"): for call in JSONView(bytes, value).elements { self.call(call, choice, sink) }
            case 6 where key.isText("images"):
                for image in JSONView(bytes, value).elements {
                    if let url = ChatText(image["image_url"]?["url"]) { sink.take(.part(ChatPart(.media(DataURL.media(.image, url))), choice: choice)) }
                }
            default: if value.kind != .null { sink.take(.extra(ChatExtra(String(decoding: key, as: UTF8.self), JSONView(bytes, value)), choice: choice)) }
            }
        }
    }

    private func content(_ value: JSONView, _ choice: Int, _ sink: any ChatStreamSink) {
        if let text = ChatText(value) {
            if !text.isEmpty { sink.take(.text(text, choice: choice)) }
            return
        }
        for element in value.elements {
            if let text = ChatText(element["text"]) { sink.take(.text(text, choice: choice)) }
            guard let thoughts = element["thinking"] else { continue }
            for thought in thoughts.elements { if let text = ChatText(thought["text"]) { sink.take(.reasoning(text, choice: choice)) } }
        }
    }

    private func call(_ call: JSONView, _ choice: Int, _ sink: any ChatStreamSink) {
        let function = call["function"]
        var index = call["index"]?.int ?? 0
        let name = ChatText(function?["name"])
        // A call begins with its name; servers that number nothing send each whole.
        if let name, !name.isEmpty {
            if call["index"] == nil { index = self.calls.count { $0.choice == choice } }
            if !self.calls.contains(where: { $0.choice == choice && $0.index == index }) {
                self.calls.append((choice, index))
                sink.take(
                    .toolCall(id: ChatText(call["id"]), name: name, signature: ChatText(call["extra_content"]?["google"]?["thought_signature"]), index: index, choice: choice))
            }
        }
        guard let arguments = function?["arguments"] else { return }
        if let text = ChatText(arguments) {
            if !text.isEmpty { sink.take(.toolArguments(text, index: index, choice: choice)) }
        } else if arguments.kind == .object {
            sink.take(.toolArguments(ChatText(plain: arguments.raw), index: index, choice: choice))
        }
    }
}
