import GatewayCore
import GatewayWire
import NIOCore

/// Reads answers and errors in OpenAI's format.
enum OpenAIAnswerDecoder {
    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ChatAnswer {
        guard let document = try? JSONDocument(bytes), let choices = document["choices"], choices.kind == .array else { throw AnswerFailure.unreadable("the provider") }
        var answer = ChatAnswer(origin: .openai)
        for (key, value) in document.root.members where !value.isNull {
            switch key.string ?? "" {
            case "id": answer.id = ChatText(value)
            case "model": answer.model = ChatText(value)
            case "created": answer.createdAt = value.int
            case "object": continue
            case "choices": for choice in value.elements { answer.choices.append(self.choice(choice, number: answer.choices.count)) }
            case "usage": answer.usage = self.usage(value)
            case "service_tier": answer.serviceTier = ChatText(value)
            case let other: answer.extras.append(ChatExtra(other, value))
            }
        }
        return answer
    }

    private static func choice(_ value: JSONView, number: Int) -> ChatChoice {
        var choice = ChatChoice(index: number)
        for (key, value) in value.members where !value.isNull {
            switch key.string ?? "" {
            case "index": choice.index = value.int ?? number
            case "message": self.message(value, &choice)
            case "text": if let text = ChatText(value) { choice.parts.append(ChatPart(.text(text))) }
            case "finish_reason": choice.finishReason = self.finishReason(value)
            case "logprobs": choice.logprobs = value
            case let other: choice.extras.append(ChatExtra(other, value))
            }
        }
        return choice
    }

    private static func message(_ value: JSONView, _ choice: inout ChatChoice) {
        var reasoning: ChatText?
        var parts: [ChatPart] = []
        var calls: [ChatPart] = []
        for (key, value) in value.members where !value.isNull {
            switch key.string ?? "" {
            case "role": continue
            case "content":
                if let text = ChatText(value) {
                    parts.insert(ChatPart(.text(text)), at: 0)
                } else {
                    // Magistral and others answer with a list of parts.
                    for element in value.elements { self.element(element, &parts) }
                }
            case "refusal": if let text = ChatText(value) { parts.append(ChatPart(.refusal(text))) }
            case "reasoning_content", "reasoning": reasoning = reasoning ?? ChatText(value)
            case "tool_calls": for call in value.elements { if let part = self.toolCall(call) { calls.append(part) } }
            case "function_call": if let part = self.legacyCall(value) { calls.append(part) }
            case "images": for image in value.elements { if let url = ChatText(image["image_url"]?["url"]) { parts.append(ChatPart(.media(DataURL.media(.image, url)))) } }
            case let other: choice.messageExtras.append(ChatExtra(other, value))
            }
        }
        if let reasoning { choice.parts.append(ChatPart(.reasoning(reasoning))) }
        choice.parts += parts + calls
    }

    private static func element(_ value: JSONView, _ parts: inout [ChatPart]) {
        if let text = ChatText(value["text"]) {
            parts.append(ChatPart(.text(text)))
        } else if let thoughts = value["thinking"] {
            for thought in thoughts.elements { if let text = ChatText(thought["text"]) { parts.append(ChatPart(.reasoning(text))) } }
        }
    }

    private static func toolCall(_ value: JSONView) -> ChatPart? {
        guard let function = value["function"], let name = ChatText(function["name"]) else { return nil }
        let arguments = ChatText(function["arguments"]).map { ChatArguments.text($0) } ?? function["arguments"].map { ChatArguments.json($0) } ?? .text(ChatText("" as StaticString))
        var part = ChatPart(.toolCall(ChatToolCall(id: ChatText(value["id"]), name: name, arguments: arguments)))
        part.signature = ChatText(value["extra_content"]?["google"]?["thought_signature"])
        return part
    }

    private static func legacyCall(_ value: JSONView) -> ChatPart? {
        guard let name = ChatText(value["name"]) else { return nil }
        return ChatPart(.toolCall(ChatToolCall(id: nil, name: name, arguments: .text(ChatText(value["arguments"]) ?? ChatText("" as StaticString)))))
    }

    static func finishReason(_ view: JSONView) -> ChatFinishReason? {
        guard let spelling = ChatText(view) else { return nil }
        let kind: ChatFinishReason.Kind =
            switch spelling.string {
            case "stop", "eos", "eos_token": .stop
            case "length", "max_tokens": .length
            case "tool_calls", "function_call": .toolCalls
            case "content_filter": .contentFilter
            default: .other
            }
        return ChatFinishReason(kind, spelling)
    }

    static func usage(_ view: JSONView) -> ChatUsage? {
        guard view.kind == .object else { return nil }
        var usage = ChatUsage()
        usage.input = view["prompt_tokens"]?.tokens ?? 0
        usage.output = view["completion_tokens"]?.tokens ?? 0
        if let details = view["prompt_tokens_details"] {
            usage.cachedInput = details["cached_tokens"]?.tokens
            usage.inputAudio = details["audio_tokens"]?.tokens
        }
        // DeepSeek's name.
        usage.cachedInput = usage.cachedInput ?? view["prompt_cache_hit_tokens"]?.tokens
        if let details = view["completion_tokens_details"] {
            usage.reasoning = details["reasoning_tokens"]?.tokens
            usage.outputAudio = details["audio_tokens"]?.tokens
            usage.acceptedPrediction = details["accepted_prediction_tokens"]?.tokens
            usage.rejectedPrediction = details["rejected_prediction_tokens"]?.tokens
        }
        usage.output += TokenCount.uncountedReasoning(total: view["total_tokens"]?.tokens ?? 0, usage.input, usage.output, usage.reasoning ?? 0)
        return usage
    }

    // MARK: Errors

    /// OpenAI's error object, and the shapes that servers of its format make of it.
    static func error(status: Int, _ body: ByteBuffer) -> ProviderError {
        guard let document = try? JSONDocument(body) else {
            return ProviderError(status: status, failure: HTTPFailureClass.of(status), message: AnswerFailure.message(status))
        }
        let error = document["error"]
        let object = error?.kind == .object ? error : nil
        let message = ChatText(object?["message"]) ?? ChatText(error) ?? ChatText(document["message"]) ?? ChatText(document["detail"])
        return ProviderError(
            status: status, failure: HTTPFailureClass.of(status), message: message ?? AnswerFailure.message(status), type: ChatText(object?["type"] ?? document["type"]),
            code: ChatText(object?["code"] ?? document["code"]), parameter: ChatText(object?["param"]))
    }

    /// An error in the middle of a stream: the status it would have had instead of it.
    static func streamError(_ error: JSONView) -> ProviderError {
        let type = ChatText(error["type"])
        let code = ChatText(error["code"])
        let status = AnswerFailure.status(error["status"]) ?? AnswerFailure.status(error["code"]) ?? self.status(of: type?.string ?? code?.string ?? "")
        return ProviderError(
            status: status, failure: HTTPFailureClass.of(status), message: ChatText(error["message"]) ?? ChatText(error) ?? ChatText("The provider ended the stream with an error"),
            type: type, code: code, parameter: ChatText(error["param"]))
    }

    private static func status(of type: String) -> Int {
        switch type {
        case "invalid_request_error": 400
        case "authentication_error", "invalid_api_key": 401
        case "permission_error": 403
        case "rate_limit_error", "rate_limit_exceeded", "insufficient_quota": 429
        case "overloaded_error", "service_unavailable": 503
        default: 500
        }
    }
}
