import GatewayWire
import NIOCore

/// Writes answers and errors of Converse.
enum BedrockAnswerEncoder {
    static func converse(_ answer: ChatAnswer) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        // The API gives one answer; others were not asked for in its format.
        let choice = answer.choices.first
        writer.beginObject()
        writer.key("output")
        writer.beginObject()
        writer.key("message")
        writer.beginObject()
        writer.member("role", text: "assistant")
        writer.key("content")
        writer.beginArray()
        for (number, part) in (choice?.parts ?? []).enumerated() { self.block(part, number, &writer) }
        writer.endArray()
        writer.endObject()
        writer.endObject()
        writer.key("stopReason")
        if let reason = choice?.finishReason {
            if answer.origin == .bedrock { writer.string(reason.spelling) } else { writer.string(self.spelling(reason.kind)) }
        } else {
            writer.string("end_turn" as StaticString)
        }
        writer.key("usage")
        self.usage(answer.usage ?? ChatUsage(), &writer)
        if answer.origin == .bedrock {
            writer.extras(answer.extras)
        } else {
            writer.key("metrics")
            writer.beginObject()
            writer.member("latencyMs", 0)
            writer.endObject()
        }
        writer.endObject()
        return writer.buffer
    }

    static func block(_ part: ChatPart, _ number: Int, _ writer: inout JSONWriter) {
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.beginObject()
            writer.member("text", text)
            writer.endObject()
        case .reasoning(let text):
            writer.beginObject()
            writer.key("reasoningContent")
            writer.beginObject()
            writer.key("reasoningText")
            writer.beginObject()
            writer.member("text", text)
            writer.member("signature", part.signature)
            writer.endObject()
            writer.endObject()
            writer.endObject()
        case .redactedReasoning(let data):
            writer.beginObject()
            writer.key("reasoningContent")
            writer.beginObject()
            writer.member("redactedContent", data)
            writer.endObject()
            writer.endObject()
        case .toolCall(let call):
            writer.beginObject()
            writer.key("toolUse")
            writer.beginObject()
            writer.key("toolUseId")
            if let id = call.id { writer.string(id) } else { writer.string("tooluse_\(number)") }
            writer.member("name", call.name)
            writer.key("input")
            writer.objectOrText(call.arguments)
            writer.endObject()
            writer.endObject()
        case .media, .toolResult, .other: return
        }
    }

    static func spelling(_ kind: ChatFinishReason.Kind) -> StaticString {
        switch kind {
        case .stop, .pause, .other: "end_turn"
        case .length: "max_tokens"
        case .toolCalls: "tool_use"
        case .contentFilter, .refusal: "content_filtered"
        case .stopSequence: "stop_sequence"
        case .contextWindow: "model_context_window_exceeded"
        case .malformedToolCall: "malformed_tool_use"
        }
    }

    static func usage(_ usage: ChatUsage, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("inputTokens", max(0, usage.input - (usage.cachedInput ?? 0) - (usage.cacheWrites ?? 0)))
        writer.member("outputTokens", usage.output)
        writer.member("totalTokens", usage.total)
        writer.member("cacheReadInputTokens", usage.cachedInput)
        writer.member("cacheWriteInputTokens", usage.cacheWrites)
        if let writes = usage.cacheWrites, let hour = usage.hourCacheWrites {
            writer.key("cacheDetails")
            writer.beginArray()
            for (ttl, tokens) in [("1h", hour), ("5m", max(0, writes - hour))] as [(StaticString, Int)] where tokens > 0 {
                writer.beginObject()
                writer.member("inputTokens", tokens)
                writer.member("ttl", text: ttl)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
    }

    /// The message alone: the kind of the error goes into the field `x-amzn-ErrorType`, where one is sent.
    static func error(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("message", error.message)
        writer.member("__type", text: self.exception(error))
        writer.endObject()
        return writer.buffer
    }

    /// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
    static func exception(_ error: ProviderError) -> StaticString {
        switch error.failure {
        case .authentication: "AccessDeniedException"
        case .notFound: "ResourceNotFoundException"
        case .rateLimited: "ThrottlingException"
        case .overloaded: "ServiceUnavailableException"
        case .serverError: "InternalServerException"
        case .none, .invalidRequest: error.status >= 500 ? "InternalServerException" : "ValidationException"
        }
    }
}
