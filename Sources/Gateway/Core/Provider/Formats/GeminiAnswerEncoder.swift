import GatewayWire
import NIOCore

/// Writes answers and errors of `generateContent`.
enum GeminiAnswerEncoder {
    static func answer(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("candidates")
        writer.beginArray()
        for choice in answer.choices {
            writer.beginObject()
            writer.key("content")
            writer.beginObject()
            writer.key("parts")
            writer.beginArray()
            for part in choice.parts { self.part(part, &writer) }
            if let speech = choice.messageExtras.first(where: { $0.key == "audio" }) { self.speech(speech.value, &writer) }
            writer.endArray()
            writer.member("role", text: "model")
            writer.endObject()
            if let reason = choice.finishReason { self.finishReason(reason, answer.origin, &writer) }
            writer.member("index", choice.index)
            writer.endObject()
        }
        writer.endArray()
        if let usage = answer.usage {
            writer.key("usageMetadata")
            self.usage(usage, &writer)
        }
        writer.key("modelVersion")
        if let model = answer.model { writer.string(model) } else { writer.string(context.model) }
        writer.key("responseId")
        if let id = answer.id { writer.string(id) } else { writer.string(context.requestID) }
        writer.endObject()
        return writer.buffer
    }

    static func part(_ part: ChatPart, _ writer: inout JSONWriter) {
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.beginObject()
            writer.member("text", text)
        case .reasoning(let text):
            writer.beginObject()
            writer.member("text", text)
            writer.member("thought", true)
        case .toolCall(let call):
            writer.beginObject()
            self.call(call, &writer)
        case .media(let media):
            switch media.source {
            case .base64(let data):
                writer.beginObject()
                self.blob(data, media.mediaType, media.kind, &writer)
            case .url(let url):
                writer.beginObject()
                writer.key("fileData")
                writer.beginObject()
                writer.member("mimeType", media.mediaType)
                writer.member("fileUri", url)
                writer.endObject()
            case .text, .file: return
            }
        case .redactedReasoning, .toolResult, .other: return
        }
        writer.member("thoughtSignature", part.signature)
        writer.endObject()
    }

    private static func blob(_ data: ChatText, _ type: ChatText?, _ kind: ChatMedia.Kind, _ writer: inout JSONWriter) {
        writer.key("inlineData")
        writer.beginObject()
        writer.key("mimeType")
        if let type {
            writer.string(type)
        } else {
            switch kind {
            case .image: writer.string("image/png" as StaticString)
            // What OpenAI calls pcm16, the format that is asked for.
            case .audio: writer.string("audio/L16;codec=pcm;rate=24000" as StaticString)
            case .document: writer.string("application/pdf" as StaticString)
            case .video: writer.string("video/mp4" as StaticString)
            }
        }
        writer.member("data", data)
        writer.endObject()
    }

    /// OpenAI's `audio` of a message or of a stream's delta, as a part; nothing where it holds neither sound nor text.
    static func speech(_ audio: JSONView, _ writer: inout JSONWriter) {
        let data = ChatText(audio["data"])
        let transcript = ChatText(audio["transcript"]).flatMap { $0.isEmpty ? nil : $0 }
        guard data != nil || transcript != nil else { return }
        writer.beginObject()
        if let data { self.blob(data, nil, .audio, &writer) }
        if let transcript {
            writer.key("audioTranscription")
            writer.beginObject()
            writer.member("text", transcript)
            writer.endObject()
        }
        writer.endObject()
    }

    static func call(_ call: ChatToolCall, _ writer: inout JSONWriter) {
        writer.key("functionCall")
        writer.beginObject()
        writer.member("id", call.id)
        writer.member("name", call.name)
        writer.key("args")
        writer.objectOrText(call.arguments)
        writer.endObject()
    }

    static func finishReason(_ reason: ChatFinishReason, _ origin: ModelFormat?, _ writer: inout JSONWriter) {
        writer.key("finishReason")
        if origin == .gemini { writer.string(reason.spelling) } else { writer.string(self.spelling(reason.kind)) }
    }

    static func spelling(_ kind: ChatFinishReason.Kind) -> StaticString {
        switch kind {
        case .stop, .stopSequence, .toolCalls, .pause: "STOP"
        case .length, .contextWindow: "MAX_TOKENS"
        case .contentFilter, .refusal: "SAFETY"
        case .malformedToolCall: "MALFORMED_FUNCTION_CALL"
        case .other: "OTHER"
        }
    }

    static func usage(_ usage: ChatUsage, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("promptTokenCount", usage.input)
        writer.member("candidatesTokenCount", max(0, usage.output - (usage.reasoning ?? 0)))
        writer.member("totalTokenCount", usage.total)
        writer.member("cachedContentTokenCount", usage.cachedInput)
        writer.member("thoughtsTokenCount", usage.reasoning)
        writer.endObject()
    }

    /// https://cloud.google.com/apis/design/errors
    static func error(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.member("code", error.status)
        writer.member("message", error.message)
        writer.member("status", text: self.status(error))
        writer.endObject()
        writer.endObject()
        return writer.buffer
    }

    private static func status(_ error: ProviderError) -> StaticString {
        switch error.failure {
        case .authentication: error.status == 403 ? "PERMISSION_DENIED" : "UNAUTHENTICATED"
        case .notFound: "NOT_FOUND"
        case .rateLimited: "RESOURCE_EXHAUSTED"
        case .overloaded: "UNAVAILABLE"
        case .serverError: error.status == 504 ? "DEADLINE_EXCEEDED" : error.status == 503 ? "UNAVAILABLE" : "INTERNAL"
        case .none, .invalidRequest: error.status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT"
        }
    }
}
