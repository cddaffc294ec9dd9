import GatewayWire
import NIOCore

/// Writes a stream of chunks in OpenAI's format (https://platform.openai.com/docs/api-reference/chat-streaming).
///
/// What all chunks share is written once, at the beginning; a piece of text then costs three copies.
final class OpenAIStreamEncoder: ChatStreamEncoder {
    private let context: AnswerContext
    private let isCompletion: Bool
    /// Everything before the number of the choice.
    private var prefix = ByteBuffer()
    /// What comes before the text of the first choice's chunk, for the field it was written for last: one piece of text follows another.
    private var opening: (name: UnsafePointer<UInt8>?, bytes: ByteBuffer) = (nil, ByteBuffer())
    private var entries = OpenAIStreamEntries()
    private var usage: ChatUsage?
    private var hasEnded = false

    init(_ context: AnswerContext) {
        self.context = context
        self.isCompletion = context.operation == .completions
    }

    var contentType: StaticString { "text/event-stream" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        if self.prefix.readableBytes == 0 { self.begin(event, &output) }
        switch event {
        case .begin: return
        case .keepAlive: self.keepAlive(&output)
        case .text(let text, let choice):
            self.entries.endThought()
            self.isCompletion ? self.field("text", text, choice, &output) : self.field("content", text, choice, &output)
        case .reasoning(let text, let choice):
            if !self.isCompletion { self.entries.think(text, choice) }
            self.field("reasoning_content", text, choice, &output)
        case .refusal(let text, let choice): self.field("refusal", text, choice, &output)
        case .reasoningSignature(let signature, let choice): self.signedThought(signature, choice, &output)
        case .redactedReasoning(let data, let choice): self.redactedThought(data, choice, &output)
        case .toolCall(let id, let name, let signature, let index, let choice): self.toolCall(id, name, signature, index, choice, &output)
        case .toolArguments(let text, let index, let choice): self.toolArguments(text, index, choice, &output)
        case .part(let part, let choice): self.part(part, choice, &output)
        case .extra(let extra, let choice): self.extra(extra, choice, &output)
        case .finish(let reason, _, let choice): self.finish(reason, choice, &output)
        case .usage(let usage): self.usage = usage
        case .end: self.end(&output)
        case .failure(let error):
            output.writeStaticString("data: ")
            output.writeImmutableBuffer(OpenAIAnswerEncoder.error(error))
            output.writeStaticString("\n\n")
        }
    }

    // MARK: Beginning and end

    private func begin(_ event: ChatStreamEvent, _ output: inout ByteBuffer) {
        var head = ChatStreamHead()
        if case .begin(let given) = event { head = given }
        switch event {
        case .failure, .keepAlive: return
        default: break
        }
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.key("id")
        if let id = head.id { writer.string(id) } else { writer.string((self.isCompletion ? "cmpl-" : "chatcmpl-") + self.context.requestID) }
        writer.member("object", text: self.isCompletion ? "text_completion" : "chat.completion.chunk")
        writer.member("created", head.createdAt ?? self.context.createdAt)
        writer.key("model")
        if let model = head.model { writer.string(model) } else { writer.string(self.context.model) }
        writer.key("choices")
        writer.beginArray()
        self.prefix.writeStaticString("data: ")
        self.prefix.writeImmutableBuffer(writer.buffer)
        if !self.isCompletion {
            self.open(0, &output)
            output.writeStaticString("\"role\":\"assistant\",\"content\":\"\"")
            self.close(&output)
        }
    }

    /// A chunk that says nothing: not every client of this format takes comments (azure-ai-inference's `_patch.py` does not). Before the first chunk there is nothing to say it with.
    private func keepAlive(_ output: inout ByteBuffer) {
        guard self.prefix.readableBytes > 0 else { return }
        self.open(0, &output)
        if self.isCompletion { output.writeStaticString("\"text\":\"\"") }
        self.close(&output)
    }

    private func end(_ output: inout ByteBuffer) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        if self.context.includesUsage, let usage = self.usage {
            output.writeImmutableBuffer(self.prefix)
            output.writeStaticString("],\"usage\":")
            var writer = JSONWriter(capacity: 320)
            OpenAIAnswerEncoder.usage(usage, &writer)
            output.writeImmutableBuffer(writer.buffer)
            output.writeStaticString("}\n\n")
        }
        SSEWriter.done(into: &output)
    }

    private func finish(_ reason: ChatFinishReason, _ choice: Int, _ output: inout ByteBuffer) {
        if !self.entries.speech.isEmpty { self.endSpeech(choice, &output) }
        self.open(choice, &output)
        output.writeStaticString(self.isCompletion ? "\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"" : "},\"logprobs\":null,\"finish_reason\":\"")
        output.writeStaticString(OpenAIAnswerEncoder.spelling(reason.kind))
        output.writeStaticString("\"}]}\n\n")
    }

    // MARK: Chunks

    /// Everything of a chunk up to the content of its delta.
    private func open(_ choice: Int, _ output: inout ByteBuffer) {
        output.writeImmutableBuffer(self.prefix)
        output.writeStaticString("{\"index\":")
        HTTPWriter.decimal(choice, into: &output)
        output.writeStaticString(self.isCompletion ? "," : ",\"delta\":{")
    }

    private func close(_ output: inout ByteBuffer) {
        output.writeStaticString(self.isCompletion ? ",\"logprobs\":null,\"finish_reason\":null}]}\n\n" : "},\"logprobs\":null,\"finish_reason\":null}]}\n\n")
    }

    private func field(_ name: StaticString, _ text: ChatText, _ choice: Int, _ output: inout ByteBuffer) {
        // A completion's chunk has a text and nothing else.
        if self.isCompletion, name.utf8CodeUnitCount != 4 { return }
        if choice != 0 || self.opening.name != name.utf8Start {
            self.opening.bytes.clear()
            self.open(choice, &self.opening.bytes)
            self.opening.bytes.writeStaticString("\"")
            self.opening.bytes.writeStaticString(name)
            self.opening.bytes.writeStaticString("\":\"")
            self.opening.name = choice == 0 ? name.utf8Start : nil
        }
        output.writeImmutableBuffer(self.opening.bytes)
        text.writeContent(into: &output)
        output.writeStaticString(
            self.isCompletion ? "\",\"logprobs\":null,\"finish_reason\":null}]}\n\n" : "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n")
    }

    /// A block of thoughts whole, as it has to be sent back: its text has been streamed in `reasoning_content`, of which no client makes one.
    private func signedThought(_ signature: ChatText, _ choice: Int, _ output: inout ByteBuffer) {
        guard !self.isCompletion, let thought = self.entries.takeThought(choice) else { return }
        self.openThinkingBlock(choice, "thinking", "thinking", &output)
        output.writeImmutableBuffer(thought)
        output.writeStaticString("\",\"signature\":\"")
        self.closeThinkingBlock(signature, &output)
    }

    private func redactedThought(_ data: ChatText, _ choice: Int, _ output: inout ByteBuffer) {
        guard !self.isCompletion else { return }
        self.entries.endThought()
        self.openThinkingBlock(choice, "redacted_thinking", "data", &output)
        self.closeThinkingBlock(data, &output)
    }

    private func openThinkingBlock(_ choice: Int, _ type: StaticString, _ name: StaticString, _ output: inout ByteBuffer) {
        self.open(choice, &output)
        output.writeStaticString("\"thinking_blocks\":[{\"index\":")
        HTTPWriter.decimal(self.entries.nextBlock(choice), into: &output)
        output.writeStaticString(",\"type\":\"")
        output.writeStaticString(type)
        output.writeStaticString("\",\"")
        output.writeStaticString(name)
        output.writeStaticString("\":\"")
    }

    private func closeThinkingBlock(_ last: ChatText, _ output: inout ByteBuffer) {
        last.writeContent(into: &output)
        output.writeStaticString("\"}]")
        self.close(&output)
    }

    private func toolCall(_ id: ChatText?, _ name: ChatText, _ signature: ChatText?, _ index: Int, _ choice: Int, _ output: inout ByteBuffer) {
        guard !self.isCompletion else { return }
        self.entries.endThought()
        self.open(choice, &output)
        output.writeStaticString("\"tool_calls\":[{\"index\":")
        HTTPWriter.decimal(index, into: &output)
        output.writeStaticString(",\"id\":\"")
        if let id { id.writeContent(into: &output) } else { output.writeString("call_\(self.context.requestID)_\(choice)_\(index)") }
        output.writeStaticString("\",\"type\":\"function\",\"function\":{\"name\":\"")
        name.writeContent(into: &output)
        output.writeStaticString("\",\"arguments\":\"\"}")
        if let signature {
            output.writeStaticString(",\"extra_content\":{\"google\":{\"thought_signature\":\"")
            signature.writeContent(into: &output)
            output.writeStaticString("\"}}")
        }
        output.writeStaticString("}]")
        self.close(&output)
    }

    private func toolArguments(_ text: ChatText, _ index: Int, _ choice: Int, _ output: inout ByteBuffer) {
        guard !self.isCompletion else { return }
        self.open(choice, &output)
        output.writeStaticString("\"tool_calls\":[{\"index\":")
        HTTPWriter.decimal(index, into: &output)
        output.writeStaticString(",\"function\":{\"arguments\":\"")
        text.writeContent(into: &output)
        output.writeStaticString("\"}}]")
        self.close(&output)
    }

    private func part(_ part: ChatPart, _ choice: Int, _ output: inout ByteBuffer) {
        guard !self.isCompletion, case .media(let media) = part.content else { return }
        if media.kind == .audio { return self.speech(media, OpenAISpeech.transcript(of: part), choice, &output) }
        guard media.kind == .image else { return }
        self.open(choice, &output)
        output.writeStaticString("\"images\":[")
        var writer = JSONWriter(capacity: 512)
        OpenAIAnswerEncoder.image(media, index: self.entries.nextImage(choice), &writer)
        output.writeImmutableBuffer(writer.buffer)
        output.writeStaticString("]")
        self.close(&output)
    }

    /// A piece of speech. Clients add up what comes, so that the id stands in the first piece alone.
    private func speech(_ media: ChatMedia, _ transcript: ChatText?, _ choice: Int, _ output: inout ByteBuffer) {
        guard case .base64(let data) = media.source else { return }
        let isFirst = self.entries.speech[choice] == nil
        let piece = self.entries.speech[choice, default: SpeechPieces()].add(data)
        guard isFirst || piece != nil || transcript != nil else { return }
        self.audio(choice, &output) { writer in
            if isFirst {
                writer.key("id")
                writer.string(OpenAISpeech.id(choice, self.context))
            }
            if let piece {
                writer.key("data")
                writer.string(verbatim: piece)
            }
            writer.member("transcript", transcript)
        }
    }

    /// What is left of a choice's speech, and that nothing more comes.
    private func endSpeech(_ choice: Int, _ output: inout ByteBuffer) {
        guard var pieces = self.entries.speech.removeValue(forKey: choice) else { return }
        if let rest = pieces.end() {
            self.audio(choice, &output) { writer in
                writer.key("data")
                writer.string(verbatim: rest)
            }
        }
        self.audio(choice, &output) { $0.member("expires_at", self.context.createdAt) }
    }

    private func audio(_ choice: Int, _ output: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        self.open(choice, &output)
        output.writeStaticString("\"audio\":")
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        members(&writer)
        writer.endObject()
        output.writeImmutableBuffer(writer.buffer)
        self.close(&output)
    }

    private func extra(_ extra: ChatExtra, _ choice: Int, _ output: inout ByteBuffer) {
        guard !self.isCompletion else { return }
        self.open(choice, &output)
        var writer = JSONWriter(capacity: extra.value.span.count + 32)
        writer.string(extra.key)
        output.writeImmutableBuffer(writer.buffer)
        output.writeStaticString(":")
        output.writeImmutableBuffer(extra.value.raw)
        self.close(&output)
    }
}
