import GatewayCore
import GatewayWire
import NIOCore

/// Writes a conversation as Gemini's `contents` (https://ai.google.dev/api/caching#Content).
enum GeminiContentEncoder {
    /// What a part has to know of those before it.
    private struct Progress {
        var names = CallNames()
        let needsSignatures: Bool
        /// Whether the turn that is being written has a call already.
        var hasCall = false
    }

    static func contents(_ messages: [ChatMessage], _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.key("contents")
        writer.beginArray()
        var open: ChatRole?
        var progress = Progress(needsSignatures: self.needsSignatures(encoding.model))
        for message in messages {
            guard message.role != .system, message.role != .developer else { continue }
            let side: ChatRole = message.role == .assistant ? .assistant : .user
            if open != side {
                if open != nil { GeminiContentEncoder.close(&writer) }
                writer.beginObject()
                writer.member("role", text: side == .assistant ? "model" : "user")
                writer.key("parts")
                writer.beginArray()
                open = side
                progress.hasCall = false
            }
            for part in message.parts { try self.part(part, &progress, &writer, &encoding) }
            try encoding.drop("messages[].name", if: message.name != nil)
            try encoding.drop(message.extras, in: "messages[].")
        }
        if open != nil { GeminiContentEncoder.close(&writer) }
        writer.endArray()
    }

    private static func close(_ writer: inout JSONWriter) {
        writer.endArray()
        writer.endObject()
    }

    private static func part(_ part: ChatPart, _ progress: inout Progress, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        try encoding.drop("messages[].content[].cache_control", if: part.cacheControl != nil)
        try encoding.drop(part.extras, in: "messages[].content[].")
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.beginObject()
            writer.member("text", text)
        case .reasoning(let text):
            // Thoughts are taken back only with the signature they were given with.
            guard part.signature != nil else { return try encoding.drop("messages[].reasoning_content") }
            writer.beginObject()
            writer.member("text", text)
            writer.member("thought", true)
        case .redactedReasoning: return try encoding.drop("messages[].content[].redacted_thinking")
        case .media(let media):
            if case .file = media.source { return try encoding.drop("messages[].content[].file.file_id") }
            writer.beginObject()
            self.media(media, &writer)
        case .toolCall(let call):
            writer.beginObject()
            try self.call(call, &writer)
            progress.names.add(call)
            // Of parallel calls the first alone has one.
            if part.signature == nil, progress.needsSignatures, !progress.hasCall { writer.member("thoughtSignature", text: self.noSignature) }
            progress.hasCall = true
        case .toolResult(let result):
            writer.beginObject()
            try self.result(result, progress.names, &writer, &encoding)
        case .other(let view): return try encoding.drop(unknown: view, in: "messages[].content[]")
        }
        writer.member("thoughtSignature", part.signature)
        writer.endObject()
    }

    // MARK: Tools

    private static func call(_ call: ChatToolCall, _ writer: inout JSONWriter) throws(ProviderFailure) {
        writer.key("functionCall")
        writer.beginObject()
        writer.member("name", call.name)
        writer.key("args")
        guard writer.object(call.arguments) else {
            throw ProviderFailure(
                "invalid_tool_arguments", status: 400, message: "\"messages[].tool_calls[].function.arguments\" is not a JSON object",
                parameter: "messages[].tool_calls[].function.arguments")
        }
        writer.endObject()
    }

    /// A result names its function, which other formats know only by the call's id.
    private static func result(_ result: ChatToolResult, _ names: CallNames, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard let name = result.name ?? names.name(result.callID) else {
            throw ProviderFailure("unknown_tool_call_id", status: 400, message: "\"messages[].tool_call_id\" names no call before it", parameter: "messages[].tool_call_id")
        }
        writer.key("functionResponse")
        writer.beginObject()
        writer.member("name", name)
        writer.key("response")
        if let json = result.json {
            writer.raw(json)
        } else {
            try self.response(result, &writer, &encoding)
        }
        writer.endObject()
    }

    /// The API wants an object: a text that is one stands for itself, any other under the key the API's reference recommends.
    private static func response(_ result: ChatToolResult, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var text = ByteBuffer()
        for part in result.parts {
            guard case .text(let piece) = part.content else {
                try encoding.drop("messages[].content[] of a tool result that is no text")
                continue
            }
            text.writeImmutableBuffer(piece.plain)
        }
        if let root = try? JSONScanner.scan(text).root, root.kind == .object { return writer.raw(text) }
        writer.beginObject()
        writer.key(result.isError == true ? "error" : "output")
        writer.string(text)
        writer.endObject()
    }

    /// In the place of a signature that the client's format has no place for, or that another vendor's model never gave
    /// (https://ai.google.dev/gemini-api/docs/thought-signatures#faqs).
    private static let noSignature: StaticString = "skip_thought_signature_validator"

    /// Whether a model refuses calls that nobody has signed, as all since Gemini 3 do; earlier ones get none they did not give.
    ///
    /// - Parameter model: `gemini-3-pro-preview`, maybe behind a path (`models/…`).
    static func needsSignatures(_ model: String) -> Bool {
        let name = model.split(separator: "/").last ?? ""
        guard name.hasPrefix("gemini-"), let generation = Int(name.dropFirst(7).prefix { $0.isASCII && $0.isNumber }) else { return false }
        return generation >= 3
    }

    // MARK: Media

    private static func media(_ media: ChatMedia, _ writer: inout JSONWriter) {
        switch media.source {
        case .base64(let data):
            writer.key("inlineData")
            writer.beginObject()
            writer.key("mimeType")
            if let type = media.mediaType { writer.string(type) } else { writer.string(self.defaultType(media.kind)) }
            writer.member("data", data)
            writer.endObject()
        case .url(let url), .file(let url):
            writer.key("fileData")
            writer.beginObject()
            writer.key("mimeType")
            if let type = media.mediaType { writer.string(type) } else { writer.string(self.guessedType(url, media.kind)) }
            writer.member("fileUri", url)
            writer.endObject()
        case .text(let text): writer.member("text", text)
        }
    }

    private static func defaultType(_ kind: ChatMedia.Kind) -> StaticString {
        switch kind {
        case .image: "image/png"
        case .audio: "audio/wav"
        case .document: "application/pdf"
        case .video: "video/mp4"
        }
    }

    /// By the name's ending, as the API insists on a type.
    private static func guessedType(_ url: ChatText, _ kind: ChatMedia.Kind) -> StaticString {
        let name = url.string.lowercased().prefix { $0 != "?" && $0 != "#" }
        for (ending, type): (String, StaticString) in [
            (".jpg", "image/jpeg"), (".jpeg", "image/jpeg"), (".png", "image/png"), (".webp", "image/webp"), (".gif", "image/gif"), (".heic", "image/heic"), (".pdf", "application/pdf"),
            (".mp3", "audio/mpeg"), (".wav", "audio/wav"), (".mp4", "video/mp4"), (".webm", "video/webm"), (".txt", "text/plain"),
        ] where name.hasSuffix(ending) { return type }
        return kind == .image ? "image/jpeg" : self.defaultType(kind)
    }
}
