import GatewayWire
import NIOCore

/// Writes answers and errors of Cohere's chat API, version 2.
enum CohereAnswerEncoder {
    static func message(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer {
        // The API gives one answer; others cannot be asked for in its format.
        let choice = answer.choices.first
        let parts = choice?.parts ?? []
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("id")
        if let id = answer.id { writer.string(id) } else { writer.string(context.requestID) }
        writer.member("finish_reason", text: self.spelling(choice?.finishReason?.kind ?? .stop))
        writer.key("message")
        writer.beginObject()
        writer.member("role", text: "assistant")
        self.calls(parts, context, &writer)
        writer.key("content")
        writer.beginArray()
        for part in parts { self.block(part, &writer) }
        writer.endArray()
        writer.endObject()
        writer.key("usage")
        self.usage(answer.usage ?? ChatUsage(), &writer)
        writer.endObject()
        return writer.buffer
    }

    private static func block(_ part: ChatPart, _ writer: inout JSONWriter) {
        switch part.content {
        case .text(let text), .refusal(let text):
            guard !text.isEmpty else { return }
            writer.beginObject()
            writer.member("type", text: "text")
            writer.member("text", text)
            writer.endObject()
        case .reasoning(let text):
            writer.beginObject()
            writer.member("type", text: "thinking")
            writer.member("thinking", text)
            writer.endObject()
        case .toolCall, .redactedReasoning, .media, .toolResult, .other: return
        }
    }

    private static func calls(_ parts: [ChatPart], _ context: AnswerContext, _ writer: inout JSONWriter) {
        var count = 0
        for part in parts {
            guard case .toolCall(let call) = part.content else { continue }
            if count == 0 {
                writer.key("tool_calls")
                writer.beginArray()
            }
            writer.beginObject()
            writer.key("id")
            if let id = call.id { writer.string(id) } else { writer.string("call_\(context.requestID)_\(count)") }
            writer.member("type", text: "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", call.name)
            writer.key("arguments")
            writer.stringified(call.arguments)
            writer.endObject()
            writer.endObject()
            count += 1
        }
        if count > 0 { writer.endArray() }
    }

    static func spelling(_ kind: ChatFinishReason.Kind) -> StaticString {
        switch kind {
        case .stop, .pause, .refusal, .other: "COMPLETE"
        case .length, .contextWindow: "MAX_TOKENS"
        case .toolCalls: "TOOL_CALL"
        case .stopSequence: "STOP_SEQUENCE"
        case .contentFilter, .malformedToolCall: "ERROR"
        }
    }

    /// What is billed and what the model saw are the same numbers with other vendors.
    static func usage(_ usage: ChatUsage, _ writer: inout JSONWriter) {
        writer.beginObject()
        for name in ["billed_units" as StaticString, "tokens"] {
            writer.key(name)
            writer.beginObject()
            writer.member("input_tokens", usage.input)
            writer.member("output_tokens", usage.output)
            writer.endObject()
        }
        writer.member("cached_tokens", usage.cachedInput)
        writer.endObject()
    }

    /// https://docs.cohere.com/reference/errors
    static func error(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("message", error.message)
        writer.endObject()
        return writer.buffer
    }
}
