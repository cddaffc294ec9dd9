import GatewayCore
import GatewayWire
import NIOCore

/// Writes a conversation as Anthropic's content blocks (https://docs.anthropic.com/en/api/messages#body-messages).
enum AnthropicMessageEncoder {
    /// Turns of the same side become one message: the API wants all results of a turn's tool calls together, and user and assistant in alternation.
    static func messages(_ messages: [ChatMessage], _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.key("messages")
        writer.beginArray()
        var open: ChatRole?
        for message in messages {
            guard message.role != .system, message.role != .developer else { continue }
            let side: ChatRole = message.role == .assistant ? .assistant : .user
            let blocks = message.parts.filter { AnthropicMessageEncoder.saysSomething($0) }
            if blocks.isEmpty { continue }
            if let open, open != side { AnthropicMessageEncoder.close(&writer) }
            if open != side {
                writer.beginObject()
                writer.member("role", text: side == .assistant ? "assistant" : "user")
                writer.key("content")
                writer.beginArray()
                open = side
            }
            for part in blocks { try self.block(part, &writer, &encoding) }
            try encoding.drop("messages[].name", if: message.name != nil)
            try encoding.drop(message.extras, in: "messages[].")
        }
        if open != nil { AnthropicMessageEncoder.close(&writer) }
        writer.endArray()
    }

    private static func close(_ writer: inout JSONWriter) {
        writer.endArray()
        writer.endObject()
    }

    /// The API refuses empty texts.
    private static func saysSomething(_ part: ChatPart) -> Bool {
        if case .text(let text) = part.content { return !text.isEmpty }
        return true
    }

    private static func block(_ part: ChatPart, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.beginObject()
            writer.member("type", text: "text")
            writer.member("text", text)
            writer.member("cache_control", part.cacheControl)
            writer.endObject()
        case .reasoning(let text):
            // Thoughts nobody has signed are not taken back.
            guard let signature = part.signature else { return try encoding.drop("messages[].reasoning_content") }
            writer.beginObject()
            writer.member("type", text: "thinking")
            writer.member("thinking", text)
            writer.member("signature", signature)
            writer.endObject()
        case .redactedReasoning(let data):
            writer.beginObject()
            writer.member("type", text: "redacted_thinking")
            writer.member("data", data)
            writer.endObject()
        case .media(let media): return try self.media(media, part, &writer, &encoding)
        case .toolCall(let call): try self.toolUse(call, part.cacheControl, &writer, &encoding)
        case .toolResult(let result): try self.toolResult(result, part.cacheControl, &writer, &encoding)
        case .other(let view): try encoding.drop(unknown: view, in: "messages[].content[]")
        }
        try encoding.drop(part.extras, in: "messages[].content[].")
    }

    // MARK: Tools

    private static func toolUse(_ call: ChatToolCall, _ cacheControl: JSONView?, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.beginObject()
        writer.member("type", text: "tool_use")
        writer.key("id")
        if let id = call.id { writer.string(id) } else { writer.string(call.name) }
        writer.member("name", call.name)
        writer.key("input")
        guard writer.object(call.arguments) else {
            throw ProviderFailure(
                "invalid_tool_arguments", status: 400, message: "\"messages[].tool_calls[].function.arguments\" is not a JSON object",
                parameter: "messages[].tool_calls[].function.arguments")
        }
        writer.member("cache_control", cacheControl)
        writer.endObject()
    }

    private static func toolResult(_ result: ChatToolResult, _ cacheControl: JSONView?, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.beginObject()
        writer.member("type", text: "tool_result")
        guard let id = result.callID ?? result.name else {
            throw ProviderFailure("missing_tool_call_id", status: 400, message: "\"messages[].tool_call_id\" is missing", parameter: "messages[].tool_call_id")
        }
        writer.member("tool_use_id", id)
        if let json = result.json {
            writer.key("content")
            writer.string(json.raw)
        } else if result.parts.count == 1, result.isPlain, case .text(let text) = result.parts[0].content {
            writer.member("content", text)
        } else {
            writer.key("content")
            writer.beginArray()
            for part in result.parts where AnthropicMessageEncoder.saysSomething(part) { try self.block(part, &writer, &encoding) }
            writer.endArray()
        }
        writer.member("is_error", result.isError)
        writer.member("cache_control", cacheControl)
        writer.endObject()
    }

    // MARK: Media

    /// Members of documents that no other format has, which clients of every format may send under this API's names.
    private static let documentMembers = ["context", "citations"]

    private static func media(_ media: ChatMedia, _ part: ChatPart, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        switch media.kind {
        case .audio: return try encoding.drop("messages[].content[].input_audio")
        case .video: return try encoding.drop("messages[].content[].video_url")
        case .image, .document: break
        }
        writer.beginObject()
        writer.member("type", text: media.kind == .image ? "image" : "document")
        writer.key("source")
        writer.beginObject()
        switch media.source {
        case .url(let url):
            writer.member("type", text: "url")
            writer.member("url", url)
        case .base64(let data):
            writer.member("type", text: "base64")
            writer.key("media_type")
            if let type = media.mediaType { writer.string(type) } else { writer.string(media.kind == .image ? "image/png" : "application/pdf") }
            writer.member("data", data)
        case .text(let text):
            writer.member("type", text: "text")
            writer.member("media_type", text: "text/plain")
            writer.member("data", text)
        case .file(let id):
            writer.member("type", text: "file")
            writer.member("file_id", id)
        }
        writer.endObject()
        let own = media.kind == .document ? part.extras.filter { self.documentMembers.contains($0.key) } : []
        if media.kind == .document { writer.member("title", media.fileName) }
        writer.extras(own)
        writer.member("cache_control", part.cacheControl)
        writer.endObject()
        try encoding.drop(part.extras.filter { extra in !own.contains { $0.key == extra.key } }, in: "messages[].content[].")
    }
}
