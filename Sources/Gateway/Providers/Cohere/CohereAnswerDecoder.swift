import GatewayCore
import GatewayWire
import NIOCore

/// Reads answers and errors of Cohere's chat API.
enum CohereAnswerDecoder {
    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ChatAnswer {
        guard let document = try? JSONDocument(bytes), let message = document["message"], message.kind == .object else { throw AnswerFailure.unreadable("cohere") }
        var answer = ChatAnswer(origin: .cohere)
        answer.id = ChatText(document["id"])
        var choice = ChatChoice()
        if let plan = ChatText(message["tool_plan"]), !plan.isEmpty { choice.parts.append(ChatPart(.reasoning(plan))) }
        if let content = message["content"] {
            for block in content.elements {
                if let text = ChatText(block["text"]) {
                    choice.parts.append(ChatPart(.text(text)))
                } else if let thought = ChatText(block["thinking"]) {
                    choice.parts.append(ChatPart(.reasoning(thought)))
                } else {
                    choice.parts.append(ChatPart(.other(block)))
                }
            }
        }
        if let calls = message["tool_calls"] {
            for call in calls.elements {
                guard let name = ChatText(call["function"]?["name"]) else { continue }
                let arguments = ChatText(call["function"]?["arguments"]) ?? ChatText("{}" as StaticString)
                choice.parts.append(ChatPart(.toolCall(ChatToolCall(id: ChatText(call["id"]), name: name, arguments: .text(arguments)))))
            }
        }
        if let citations = message["citations"], !citations.isNull { choice.messageExtras.append(ChatExtra("citations", citations)) }
        choice.finishReason = document["finish_reason"].flatMap { self.finishReason($0) }
        choice.logprobs = document["logprobs"].flatMap { self.logprobs($0) }
        answer.choices = [choice]
        answer.usage = document["usage"].map { self.usage($0) }
        return answer
    }

    /// In OpenAI's shape. An item is a text of one or more tokens, as likely as all of them together.
    private static func logprobs(_ items: JSONView) -> JSONView? {
        guard items.kind == .array else { return nil }
        var logprobs = OpenAILogprobs()
        for item in items.elements {
            let numbers = item["logprobs"]?.elements.compactMap { ChatNumber($0) } ?? []
            logprobs.add(ChatText(item["text"]), numbers.count == 1 ? numbers[0] : ChatNumber(numbers.reduce(0) { $0 + ($1.double ?? 0) }))
        }
        return logprobs.finish()
    }

    static func finishReason(_ view: JSONView) -> ChatFinishReason? {
        guard let spelling = ChatText(view) else { return nil }
        let kind: ChatFinishReason.Kind =
            switch spelling.string {
            case "COMPLETE": .stop
            case "STOP_SEQUENCE": .stopSequence
            case "MAX_TOKENS": .length
            case "TOOL_CALL": .toolCalls
            default: .other
            }
        return ChatFinishReason(kind, spelling)
    }

    /// `tokens` is what the model saw and wrote, `billed_units` what is charged: the input without the preamble that Cohere adds. The charge counts, where it is told.
    static func usage(_ view: JSONView) -> ChatUsage {
        var usage = ChatUsage()
        let billed = view["billed_units"]
        let tokens = view["tokens"]
        usage.input = self.count(billed?["input_tokens"]) ?? self.count(tokens?["input_tokens"]) ?? 0
        usage.output = self.count(billed?["output_tokens"]) ?? self.count(tokens?["output_tokens"]) ?? 0
        usage.cachedInput = self.count(view["cached_tokens"])
        return usage
    }

    /// Cohere writes its counts with a fraction.
    static func count(_ view: JSONView?) -> Int? { view.flatMap { $0.tokens ?? $0.double.map { Int(min(max($0, 0), 281_474_976_710_656)) } } }

    /// https://docs.cohere.com/reference/errors
    static func error(status: Int, _ body: ByteBuffer) -> ProviderError {
        let document = try? JSONDocument(body)
        // 498 and 499 are Cohere's own: an answer or input that was stopped, a request given up.
        let failure: FailureClass = status == 498 ? .invalidRequest : HTTPFailureClass.of(status)
        let message = ChatText(document?["message"]) ?? ChatText(document?["error"]) ?? AnswerFailure.message(status)
        return ProviderError(status: status == 498 ? 400 : status == 499 ? 502 : status, failure: failure, message: message)
    }
}

/// Reads a stream of Cohere's chat API (https://docs.cohere.com/docs/streaming).
final class CohereStreamDecoder: ChatStreamDecoder {
    private var callCount = 0

    func decode(_ frame: StreamFrame, into sink: any ChatStreamSink) throws(ProviderFailure) {
        let bytes = frame.data
        // An end marker that only some versions send.
        if bytes.readableBytes == 6, bytes.readableBytesView.elementsEqual("[DONE]".utf8) { return }
        var type: JSONSpan?
        var delta: JSONSpan?
        var id: JSONSpan?
        do throws(JSONError) {
            _ = try JSONScanner.scan(bytes) { member in
                bytes.withUnsafeReadableBytes { raw in
                    let key = UnsafeRawBufferPointer(rebasing: raw[member.key.content])
                    switch key.count {
                    case 4 where key.isText("type"): type = member.value
                    case 5 where key.isText("delta"): delta = member.value
                    case 2 where key.isText("id"): id = member.value
                    default: break
                    }
                }
            }
        } catch { throw AnswerFailure.unreadable("cohere") }
        guard let type else { return }
        let view = delta.map { JSONView(bytes, $0) }
        switch bytes.withUnsafeReadableBytes({ EventKind(UnsafeRawBufferPointer(rebasing: $0[type.content])) }) {
        case .contentDelta: self.content(view?["message"]?["content"], sink)
        case .planDelta: if let plan = ChatText(view?["message"]?["tool_plan"]) { sink.take(.reasoning(plan, choice: 0)) }
        case .callStart: self.callStart(view?["message"]?["tool_calls"], sink)
        case .callDelta:
            if let arguments = ChatText(view?["message"]?["tool_calls"]?["function"]?["arguments"]), self.callCount > 0 {
                sink.take(.toolArguments(arguments, index: self.callCount - 1, choice: 0))
            }
        case .messageStart: sink.take(.begin(ChatStreamHead(id: id.flatMap { ChatText(bytes, $0) })))
        case .contentStart: self.content(view?["message"]?["content"], sink)
        case .messageEnd: self.end(view, sink)
        case .other: return
        }
    }

    func finish(into sink: any ChatStreamSink) {}

    private enum EventKind {
        case contentDelta, contentStart, planDelta, callStart, callDelta, messageStart, messageEnd, other

        init(_ type: UnsafeRawBufferPointer) {
            switch type.count {
            case 13 where type.isText("content-delta"): self = .contentDelta
            case 13 where type.isText("content-start"): self = .contentStart
            case 13 where type.isText("message-start"): self = .messageStart
            case 15 where type.isText("tool-plan-delta"): self = .planDelta
            case 15 where type.isText("tool-call-start"): self = .callStart
            case 15 where type.isText("tool-call-delta"): self = .callDelta
            case 11 where type.isText("message-end"): self = .messageEnd
            default: self = .other
            }
        }
    }

    private func content(_ content: JSONView?, _ sink: any ChatStreamSink) {
        guard let content else { return }
        if let text = ChatText(content["text"]) {
            if !text.isEmpty { sink.take(.text(text, choice: 0)) }
        } else if let thought = ChatText(content["thinking"]), !thought.isEmpty {
            sink.take(.reasoning(thought, choice: 0))
        }
    }

    private func callStart(_ call: JSONView?, _ sink: any ChatStreamSink) {
        guard let call, let name = ChatText(call["function"]?["name"]) else { return }
        sink.take(.toolCall(id: ChatText(call["id"]), name: name, index: self.callCount, choice: 0))
        self.callCount += 1
        if let arguments = ChatText(call["function"]?["arguments"]), !arguments.isEmpty { sink.take(.toolArguments(arguments, index: self.callCount - 1, choice: 0)) }
    }

    private func end(_ delta: JSONView?, _ sink: any ChatStreamSink) {
        if let usage = delta?["usage"], usage.kind == .object { sink.take(.usage(CohereAnswerDecoder.usage(usage))) }
        let reason = delta?["finish_reason"]
        // https://docs.cohere.com/reference/chat-stream: an answer that failed may say no more than that.
        let message = ChatText(delta?["error"]) ?? (reason?.equals("ERROR") == true ? ChatText("The provider ended the stream with an error" as StaticString) : nil)
        if let message { return sink.take(.failure(ProviderError(status: 500, failure: .serverError, message: message))) }
        if let reason = reason.flatMap({ CohereAnswerDecoder.finishReason($0) }) { sink.take(.finish(reason, stopSequence: nil, choice: 0)) }
        sink.take(.end)
    }
}
