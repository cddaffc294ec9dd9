import GatewayWire
import NIOCore

/// Writes answers and errors of Anthropic's Messages API.
enum AnthropicAnswerEncoder {
    static func message(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("id")
        if let id = answer.id { writer.string(id) } else { writer.string("msg_" + context.requestID) }
        writer.member("type", text: "message")
        writer.member("role", text: "assistant")
        writer.key("model")
        if let model = answer.model { writer.string(model) } else { writer.string(context.model) }
        writer.key("content")
        writer.beginArray()
        // The API gives one answer; others were not asked for in its format.
        let choice = answer.choices.first
        for (number, part) in (choice?.parts ?? []).enumerated() { self.block(part, number, context, &writer) }
        writer.endArray()
        writer.key("stop_reason")
        if let reason = choice?.finishReason { self.stopReason(reason, answer.origin, &writer) } else { writer.null() }
        writer.key("stop_sequence")
        if let sequence = choice?.stopSequence { writer.string(sequence) } else { writer.null() }
        writer.key("usage")
        self.usage(answer.usage ?? ChatUsage(), &writer)
        writer.endObject()
        return writer.buffer
    }

    static func block(_ part: ChatPart, _ number: Int, _ context: AnswerContext, _ writer: inout JSONWriter) {
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.beginObject()
            writer.member("type", text: "text")
            writer.member("text", text)
            writer.endObject()
        case .reasoning(let text):
            writer.beginObject()
            writer.member("type", text: "thinking")
            writer.member("thinking", text)
            writer.key("signature")
            if let signature = part.signature { writer.string(signature) } else { writer.string("" as StaticString) }
            writer.endObject()
        case .redactedReasoning(let data):
            writer.beginObject()
            writer.member("type", text: "redacted_thinking")
            writer.member("data", data)
            writer.endObject()
        case .toolCall(let call):
            writer.beginObject()
            writer.member("type", text: "tool_use")
            writer.key("id")
            if let id = call.id { writer.string(id) } else { writer.string("toolu_\(context.requestID)_\(number)") }
            writer.member("name", call.name)
            writer.key("input")
            writer.objectOrText(call.arguments)
            writer.endObject()
        case .media, .toolResult, .other: return
        }
    }

    static func stopReason(_ reason: ChatFinishReason, _ origin: ModelFormat?, _ writer: inout JSONWriter) {
        if origin == .anthropic { return writer.string(reason.spelling) }
        writer.string(self.spelling(reason.kind))
    }

    static func spelling(_ kind: ChatFinishReason.Kind) -> StaticString {
        switch kind {
        case .stop, .malformedToolCall, .other: "end_turn"
        case .length: "max_tokens"
        case .toolCalls: "tool_use"
        case .contentFilter, .refusal: "refusal"
        case .stopSequence: "stop_sequence"
        case .pause: "pause_turn"
        case .contextWindow: "model_context_window_exceeded"
        }
    }

    static func usage(_ usage: ChatUsage, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("input_tokens", max(0, usage.input - (usage.cachedInput ?? 0) - (usage.cacheWrites ?? 0)))
        writer.member("output_tokens", usage.output)
        writer.member("cache_read_input_tokens", usage.cachedInput)
        writer.member("cache_creation_input_tokens", usage.cacheWrites)
        if let writes = usage.cacheWrites, let hour = usage.hourCacheWrites {
            writer.key("cache_creation")
            writer.beginObject()
            writer.member("ephemeral_5m_input_tokens", max(0, writes - hour))
            writer.member("ephemeral_1h_input_tokens", hour)
            writer.endObject()
        }
        if let reasoning = usage.reasoning {
            writer.key("output_tokens_details")
            writer.beginObject()
            writer.member("thinking_tokens", reasoning)
            writer.endObject()
        }
        writer.endObject()
    }

    /// https://docs.anthropic.com/en/api/errors
    static func error(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", text: "error")
        writer.key("error")
        writer.beginObject()
        writer.member("type", text: self.errorType(error))
        writer.member("message", error.message)
        writer.endObject()
        writer.endObject()
        return writer.buffer
    }

    private static func errorType(_ error: ProviderError) -> StaticString {
        switch error.failure {
        case .authentication: error.status == 403 ? "permission_error" : "authentication_error"
        case .notFound: "not_found_error"
        case .rateLimited: "rate_limit_error"
        case .overloaded: "overloaded_error"
        case .serverError: error.status == 504 ? "timeout_error" : "api_error"
        case .none, .invalidRequest: error.status == 413 ? "request_too_large" : error.status >= 500 ? "api_error" : "invalid_request_error"
        }
    }
}
