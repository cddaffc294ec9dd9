import GatewayWire
import NIOCore
import Telemetry

/// Writes answers and errors of Ollama's `/api/chat`.
enum OllamaAnswerEncoder {
    static func answer(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        let choice = answer.choices.first
        self.begin(answer.model, answer.createdAt ?? context.createdAt, context, &writer)
        self.message(choice?.parts ?? [], &writer)
        self.end(choice?.finishReason, answer.usage, &writer)
        return writer.buffer
    }

    /// Opens the object with what every piece of an answer has.
    ///
    /// - Parameter createdAt: seconds since 1970.
    static func begin(_ model: ChatText?, _ createdAt: Int, _ context: AnswerContext, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("model")
        if let model { writer.string(model) } else { writer.string(context.model) }
        writer.key("created_at")
        writer.string(Timestamp(secondsSinceEpoch: createdAt).rfc3339)
    }

    static func message(_ parts: [ChatPart], _ writer: inout JSONWriter) {
        writer.key("message")
        writer.beginObject()
        writer.member("role", text: "assistant")
        writer.key("content")
        writer.beginString()
        for part in parts {
            switch part.content {
            case .text(let text), .refusal(let text): writer.piece(text)
            default: continue
            }
        }
        writer.endString()
        if parts.contains(where: { if case .reasoning = $0.content { true } else { false } }) {
            writer.key("thinking")
            writer.beginString()
            for part in parts { if case .reasoning(let text) = part.content { writer.piece(text) } }
            writer.endString()
        }
        if parts.contains(where: { if case .toolCall = $0.content { true } else { false } }) {
            writer.key("tool_calls")
            writer.beginArray()
            for part in parts { if case .toolCall(let call) = part.content { self.call(call, &writer) } }
            writer.endArray()
        }
        writer.endObject()
    }

    private static func call(_ call: ChatToolCall, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", call.id)
        writer.key("function")
        writer.beginObject()
        writer.member("name", call.name)
        writer.key("arguments")
        writer.objectOrText(call.arguments)
        writer.endObject()
        writer.endObject()
    }

    /// Writes the last members, and closes the object.
    static func end(_ reason: ChatFinishReason?, _ usage: ChatUsage?, _ writer: inout JSONWriter) {
        writer.member("done", true)
        writer.key("done_reason")
        // Calls end with "stop" too.
        switch reason?.kind {
        case .length, .contextWindow: writer.string("length" as StaticString)
        default: writer.string("stop" as StaticString)
        }
        if let usage {
            writer.member("prompt_eval_count", usage.input)
            writer.member("eval_count", usage.output)
        }
        writer.endObject()
    }

    static func error(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("error", error.message)
        writer.endObject()
        return writer.buffer
    }
}
