import GatewayWire
import NIOCore

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
        writer.string(DateText.iso8601(secondsSince1970: createdAt))
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
        if !writer.object(call.arguments) {
            // What a model calls a tool with need not be JSON; the format has no other place for it.
            writer.beginObject()
            writer.key("arguments")
            writer.stringified(call.arguments)
            writer.endObject()
        }
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

/// Dates as answers have them.
enum DateText {
    /// `2026-11-27T08:30:00Z` (RFC 3339), by the proleptic Gregorian calendar.
    static func iso8601(secondsSince1970: Int) -> String {
        let days = secondsSince1970 >= 0 ? secondsSince1970 / 86_400 : (secondsSince1970 - 86_399) / 86_400
        let second = secondsSince1970 - days * 86_400
        // Years from March on, in eras of 400 of them.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let parts = [month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, second / 3_600, second / 60 % 60, second % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        let digits = String(year)
        return "\(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)-\(parts[0])-\(parts[1])T\(parts[2]):\(parts[3]):\(parts[4])Z"
    }
}
