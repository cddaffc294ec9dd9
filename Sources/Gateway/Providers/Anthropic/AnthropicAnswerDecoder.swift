import GatewayCore
import GatewayWire
import NIOCore

/// Reads answers and errors of Anthropic's Messages API.
enum AnthropicAnswerDecoder {
    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ChatAnswer {
        guard let document = try? JSONDocument(bytes), let content = document["content"], content.kind == .array else { throw AnswerFailure.unreadable("anthropic") }
        var answer = ChatAnswer(origin: .anthropic)
        answer.id = ChatText(document["id"])
        answer.model = ChatText(document["model"])
        var choice = ChatChoice()
        for block in content.elements { choice.parts.append(self.part(block)) }
        choice.finishReason = document["stop_reason"].flatMap { self.finishReason($0) }
        choice.stopSequence = ChatText(document["stop_sequence"])
        answer.choices = [choice]
        if let usage = document["usage"] {
            var counts = AnthropicUsage()
            counts.read(usage)
            answer.usage = counts.usage
            answer.serviceTier = ChatText(usage["service_tier"])
        }
        return answer
    }

    static func part(_ block: JSONView) -> ChatPart {
        guard let type = block["type"] else { return ChatPart(.other(block)) }
        if type.equals("text"), let text = ChatText(block["text"]) {
            var part = ChatPart(.text(text))
            if let citations = block["citations"], !citations.isNull { part.extras.append(ChatExtra("citations", citations)) }
            return part
        }
        if type.equals("tool_use"), let name = ChatText(block["name"]) {
            return ChatPart(.toolCall(ChatToolCall(id: ChatText(block["id"]), name: name, arguments: block["input"].map { .json($0) } ?? .text(ChatText("" as StaticString)))))
        }
        if type.equals("thinking"), let text = ChatText(block["thinking"]) {
            var part = ChatPart(.reasoning(text))
            part.signature = ChatText(block["signature"])
            return part
        }
        if type.equals("redacted_thinking"), let data = ChatText(block["data"]) { return ChatPart(.redactedReasoning(data)) }
        return ChatPart(.other(block))
    }

    /// https://docs.anthropic.com/en/api/handling-stop-reasons
    static func finishReason(_ view: JSONView) -> ChatFinishReason? {
        guard let spelling = ChatText(view) else { return nil }
        let kind: ChatFinishReason.Kind =
            switch spelling.string {
            case "end_turn": .stop
            case "max_tokens": .length
            case "stop_sequence": .stopSequence
            case "tool_use": .toolCalls
            case "pause_turn": .pause
            case "refusal": .refusal
            case "model_context_window_exceeded": .contextWindow
            default: .other
            }
        return ChatFinishReason(kind, spelling)
    }

    /// https://docs.anthropic.com/en/api/errors
    static func error(status: Int, _ body: ByteBuffer) -> ProviderError {
        let error = (try? JSONDocument(body))?["error"]
        let type = ChatText(error?["type"])
        let failure = type.flatMap { self.failureClass($0) } ?? HTTPFailureClass.of(status)
        // 529 is Anthropic's own; clients of other formats know 503.
        return ProviderError(
            status: status == 529 ? 503 : status, failure: failure, message: ChatText(error?["message"]) ?? AnswerFailure.message(status), type: type,
            code: type)
    }

    static func failureClass(_ type: ChatText) -> FailureClass? {
        switch type.string {
        case "invalid_request_error", "billing_error": .invalidRequest
        case "authentication_error", "permission_error": .authentication
        case "not_found_error": .notFound
        case "rate_limit_error": .rateLimited
        case "overloaded_error": .overloaded
        case "api_error", "timeout_error": .serverError
        default: nil
        }
    }
}

/// Token counts as Anthropic gives them: parts of the input apart, later counts replacing earlier ones.
struct AnthropicUsage {
    private var input = 0
    private var cacheReads: Int?
    private var cacheWrites: Int?
    private var hourCacheWrites: Int?
    private var output = 0
    private var thinking: Int?

    mutating func read(_ view: JSONView) {
        view.forEachMember { key, value in
            let number = JSONView(view.bytes, value)
            switch key.count {
            case 12 where key.isText("input_tokens"): self.input = number.tokens ?? self.input
            case 13 where key.isText("output_tokens"): self.output = number.tokens ?? self.output
            case 23 where key.isText("cache_read_input_tokens"): self.cacheReads = number.tokens ?? self.cacheReads
            case 27 where key.isText("cache_creation_input_tokens"): self.cacheWrites = number.tokens ?? self.cacheWrites
            case 14 where key.isText("cache_creation"): self.hourCacheWrites = number["ephemeral_1h_input_tokens"]?.tokens ?? self.hourCacheWrites
            case 21 where key.isText("output_tokens_details"): self.thinking = number["thinking_tokens"]?.tokens ?? self.thinking
            default: return
            }
        }
    }

    var usage: ChatUsage {
        var usage = ChatUsage()
        usage.input = self.input + (self.cacheReads ?? 0) + (self.cacheWrites ?? 0)
        usage.output = self.output
        usage.cachedInput = self.cacheReads
        usage.cacheWrites = self.cacheWrites
        usage.hourCacheWrites = self.hourCacheWrites
        usage.reasoning = self.thinking
        return usage
    }
}
