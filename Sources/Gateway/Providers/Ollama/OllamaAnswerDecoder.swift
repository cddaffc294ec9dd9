import GatewayCore
import GatewayWire
import NIOCore

/// Reads answers of Ollama's `/api/chat`.
enum OllamaAnswerDecoder {
    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ChatAnswer {
        guard let document = try? JSONDocument(bytes), let message = document["message"], message.kind == .object else { throw AnswerFailure.unreadable("ollama") }
        var answer = ChatAnswer(origin: nil)
        answer.model = ChatText(document["model"])
        var choice = ChatChoice()
        if let thought = ChatText(message["thinking"]), !thought.isEmpty { choice.parts.append(ChatPart(.reasoning(thought))) }
        if let text = ChatText(message["content"]), !text.isEmpty { choice.parts.append(ChatPart(.text(text))) }
        if let calls = message["tool_calls"] {
            for call in calls.elements {
                guard let name = ChatText(call["function"]?["name"]) else { continue }
                choice.parts.append(ChatPart(.toolCall(ChatToolCall(id: ChatText(call["id"]), name: name, arguments: self.arguments(call)))))
            }
        }
        let hasCalls = choice.parts.contains { if case .toolCall = $0.content { true } else { false } }
        choice.finishReason = self.finishReason(document["done_reason"], hasCalls: hasCalls)
        choice.logprobs = document["logprobs"].flatMap { self.logprobs($0) }
        answer.choices = [choice]
        answer.usage = self.usage(document.root)
        return answer
    }

    /// Tokens have OpenAI's shape (https://docs.ollama.com/api/chat).
    private static func logprobs(_ tokens: JSONView) -> JSONView? {
        guard tokens.kind == .array else { return nil }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("content", tokens)
        writer.key("refusal")
        writer.null()
        writer.endObject()
        return (try? JSONDocument(writer.buffer))?.root
    }

    static func arguments(_ call: JSONView) -> ChatArguments {
        guard let arguments = call["function"]?["arguments"] else { return .text(ChatText("{}" as StaticString)) }
        if let text = ChatText(arguments) { return .text(text) }
        return .json(arguments)
    }

    /// Ollama ends with `stop` when it calls tools too.
    static func finishReason(_ view: JSONView?, hasCalls: Bool) -> ChatFinishReason? {
        guard let spelling = ChatText(view) else { return hasCalls ? ChatFinishReason(.toolCalls, ChatText("stop" as StaticString)) : nil }
        let kind: ChatFinishReason.Kind =
            switch spelling.string {
            case "stop": hasCalls ? .toolCalls : .stop
            case "length": .length
            default: .other
            }
        return ChatFinishReason(kind, spelling)
    }

    /// Counts stand in the last piece; a prompt that was in the cache is not counted again.
    static func usage(_ root: JSONView) -> ChatUsage? {
        guard let output = root["eval_count"]?.tokens ?? (root["prompt_eval_count"] == nil ? nil : 0) else { return nil }
        var usage = ChatUsage()
        usage.input = root["prompt_eval_count"]?.tokens ?? 0
        usage.output = output
        return usage
    }
}

/// Reads a stream of Ollama's `/api/chat`: a JSON object a line, the last one with `done`.
final class OllamaStreamDecoder: ChatStreamDecoder {
    private var callCount = 0
    private var hasBegun = false

    func decode(_ frame: StreamFrame, into sink: any ChatStreamSink) throws(ProviderFailure) {
        let bytes = frame.data
        var message: JSONSpan?
        var model: JSONSpan?
        var error: JSONSpan?
        var isDone = false
        do throws(JSONError) {
            _ = try JSONScanner.scan(bytes) { member in
                bytes.withUnsafeReadableBytes { raw in
                    let key = UnsafeRawBufferPointer(rebasing: raw[member.key.content])
                    switch key.count {
                    case 7 where key.isText("message"): message = member.value
                    case 5 where key.isText("model"): model = member.value
                    case 5 where key.isText("error"): error = member.value
                    case 4 where key.isText("done"): isDone = raw[member.value.start] == UInt8(ascii: "t")
                    default: break
                    }
                }
            }
        } catch { throw AnswerFailure.unreadable("ollama") }
        if let error, let text = ChatText(bytes, error) { return sink.take(.failure(ProviderError(status: 500, failure: .serverError, message: text))) }
        if !self.hasBegun {
            self.hasBegun = true
            sink.take(.begin(ChatStreamHead(model: model.flatMap { ChatText(bytes, $0) })))
        }
        if let message { self.piece(JSONView(bytes, message), sink) }
        guard isDone, let document = try? JSONDocument(bytes) else { return }
        if let usage = OllamaAnswerDecoder.usage(document.root) { sink.take(.usage(usage)) }
        if let reason = OllamaAnswerDecoder.finishReason(document["done_reason"], hasCalls: self.callCount > 0) { sink.take(.finish(reason, stopSequence: nil, choice: 0)) }
        sink.take(.end)
    }

    func finish(into sink: any ChatStreamSink) {}

    private func piece(_ message: JSONView, _ sink: any ChatStreamSink) {
        let bytes = message.bytes
        var text: JSONSpan?
        var thought: JSONSpan?
        var calls: JSONSpan?
        message.forEachMember { key, value in
            switch key.count {
            case 7 where key.isText("content"): text = value
            case 8 where key.isText("thinking"): thought = value
            case 10 where key.isText("tool_calls"): calls = value
            default: return
            }
        }
        if let thought, let content = ChatText(bytes, thought), !content.isEmpty { sink.take(.reasoning(content, choice: 0)) }
        if let text, let content = ChatText(bytes, text), !content.isEmpty { sink.take(.text(content, choice: 0)) }
        guard let calls else { return }
        // A call comes whole.
        for call in JSONView(bytes, calls).elements {
            guard let name = ChatText(call["function"]?["name"]) else { continue }
            sink.take(.toolCall(id: ChatText(call["id"]), name: name, index: self.callCount, choice: 0))
            switch OllamaAnswerDecoder.arguments(call) {
            case .text(let arguments): sink.take(.toolArguments(arguments, index: self.callCount, choice: 0))
            case .json(let arguments): sink.take(.toolArguments(ChatText(plain: arguments.raw), index: self.callCount, choice: 0))
            }
            self.callCount += 1
        }
    }
}

/// Reads what an untranslated answer says of itself.
final class OllamaResponseReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()
    private(set) var hasFailed = false

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        self.document(ByteBuffer(bytes: data))
        return .pass
    }

    func document(_ bytes: ByteBuffer) {
        guard let document = try? JSONDocument(bytes), document["done"]?.bool != false else { return }
        if document["error"]?.kind == .string { self.hasFailed = true }
        self.facts.isComplete = true
        self.facts.model = document["model"]?.text
        self.facts.finishReasons = document["done_reason"]?.text
        if let usage = OllamaAnswerDecoder.usage(document.root) { self.facts.usage = usage.evidence }
    }
}
