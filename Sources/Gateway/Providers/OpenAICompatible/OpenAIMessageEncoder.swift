import GatewayCore
import GatewayWire
import NIOCore

/// Writes messages in OpenAI's format.
enum OpenAIMessageEncoder {
    /// - Parameter marksCache: whether texts of another format's client may keep their `cache_control`.
    static func message(
        _ message: ChatMessage, isOwn: Bool, marksCache: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        if !isOwn {
            for index in message.parts.indices {
                if message.parts[index].cacheControl != nil, !(marksCache && message.parts[index].isText) { try encoding.drop("messages[].content[].cache_control") }
                if !message.parts[index].extras.isEmpty { try encoding.drop(message.parts[index].extras, in: "messages[].content[].") }
            }
        }
        if message.role == .tool { return try self.results(message, isOwn, &writer, &encoding) }
        writer.beginObject()
        writer.key("role")
        switch message.role {
        case .system: writer.string("system" as StaticString)
        case .developer: writer.string("developer" as StaticString)
        case .user, .tool: writer.string("user" as StaticString)
        case .assistant: writer.string("assistant" as StaticString)
        }
        let content = message.parts.filter { OpenAIMessageEncoder.isContent($0, message.role) }
        if message.role != .assistant || !content.isEmpty {
            writer.key("content")
            try self.content(content, isPlain: message.isPlain, isOwn, marksCache: marksCache, &writer, &encoding)
        } else if !message.parts.contains(where: { if case .refusal = $0.content { true } else { false } }) {
            writer.key("content")
            writer.null()
        }
        writer.member("name", message.name)
        if message.role == .assistant { try self.assistant(message, isOwn, &writer, &encoding) }
        if isOwn { writer.extras(message.extras) } else { try encoding.drop(message.extras, in: "messages[].") }
        writer.endObject()
    }

    private static func isContent(_ part: ChatPart, _ role: ChatRole) -> Bool {
        switch part.content {
        case .text, .media: true
        // A list that mixes texts and refusals keeps both; a refusal alone is a member of its own.
        case .refusal: role != .assistant
        case .other: role != .assistant
        case .reasoning, .redactedReasoning, .toolCall, .toolResult: false
        }
    }

    // MARK: Content

    private static func content(
        _ parts: [ChatPart], isPlain: Bool, _ isOwn: Bool, marksCache: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        let isMarked = (isOwn || marksCache) && parts.contains { $0.cacheControl != nil }
        if parts.count == 1, isPlain || !isOwn, !isMarked, case .text(let text) = parts[0].content { return writer.string(text) }
        // Servers of this format understand a text everywhere, a list of texts not always.
        if !isOwn, !isMarked, !parts.isEmpty, parts.allSatisfy({ $0.isText }) {
            writer.beginString()
            for (number, part) in parts.enumerated() {
                guard case .text(let text) = part.content else { continue }
                if number > 0 { writer.piece("\n") }
                writer.piece(text)
            }
            return writer.endString()
        }
        writer.beginArray()
        for part in parts { try self.part(part, isOwn, marksCache: marksCache, &writer, &encoding) }
        writer.endArray()
    }

    private static func part(
        _ part: ChatPart, _ isOwn: Bool, marksCache: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        switch part.content {
        case .text(let text):
            writer.beginObject()
            writer.member("type", text: "text")
            writer.member("text", text)
        case .refusal(let text):
            writer.beginObject()
            writer.member("type", text: "refusal")
            writer.member("refusal", text)
        case .media(let media):
            guard try self.media(media, &writer, &encoding) else { return }
        case .other(let view):
            if isOwn { writer.raw(view) } else { try encoding.drop(unknown: view, in: "messages[].content[]") }
            return
        case .reasoning, .redactedReasoning, .toolCall, .toolResult: return
        }
        if isOwn || marksCache && part.isText { writer.member("cache_control", part.cacheControl) }
        if isOwn { writer.extras(part.extras) }
        writer.endObject()
    }

    /// Opens the part's object and leaves it open; false, with nothing written, for what has no place in the format.
    private static func media(_ media: ChatMedia, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> Bool {
        switch media.kind {
        case .image, .video:
            let name: StaticString = media.kind == .image ? "image_url" : "video_url"
            if case .file = media.source {
                try encoding.drop("messages[].content[].source.file_id")
                return false
            }
            writer.beginObject()
            writer.member("type", text: name)
            writer.key(name)
            writer.beginObject()
            writer.key("url")
            writer.url(media, fallbackType: media.kind == .image ? "image/png" : "video/mp4")
            writer.member("detail", media.detail)
            writer.endObject()
        case .audio:
            guard case .base64(let data) = media.source else {
                try encoding.drop("messages[].content[] of audio by URL")
                return false
            }
            writer.beginObject()
            writer.member("type", text: "input_audio")
            writer.key("input_audio")
            writer.beginObject()
            writer.member("data", data)
            writer.key("format")
            writer.string(DataURL.audioFormat(media.mediaType))
            writer.endObject()
        case .document:
            if case .text(let text) = media.source {
                // The format has no plain documents; their text is text.
                writer.beginObject()
                writer.member("type", text: "text")
                writer.member("text", text)
                return true
            }
            if case .url = media.source, media.mediaType == nil, !media.isDataURL {
                try encoding.drop("messages[].content[].source of a document by URL")
                return false
            }
            writer.beginObject()
            writer.member("type", text: "file")
            writer.key("file")
            writer.beginObject()
            if case .file(let id) = media.source {
                writer.member("file_id", id)
            } else {
                writer.key("file_data")
                writer.url(media, fallbackType: "application/pdf")
            }
            // OpenAI refuses files without a name.
            if let name = media.fileName { writer.member("filename", name) } else if case .base64 = media.source { writer.member("filename", text: "document.pdf") }
            writer.endObject()
        }
        return true
    }

    // MARK: Assistant and tools

    private static func assistant(_ message: ChatMessage, _ isOwn: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var calls: [ChatPart] = []
        for part in message.parts {
            switch part.content {
            case .refusal(let text): writer.member("refusal", text)
            case .toolCall: calls.append(part)
            case .reasoning, .redactedReasoning:
                // Thoughts go back only to servers of the client's own format: OpenAI's models do not take them.
                if !isOwn { try encoding.drop("messages[].content[].thinking") }
            case .other(let view):
                // What stands among an assistant's calls is a call of another kind.
                if isOwn { calls.append(part) } else { try encoding.drop(unknown: view, in: "messages[].content[]") }
            default: continue
            }
        }
        if isOwn { self.reasoning(message.parts, &writer) }
        guard !calls.isEmpty else { return }
        writer.key("tool_calls")
        writer.beginArray()
        for part in calls {
            if case .other(let view) = part.content {
                writer.raw(view)
                continue
            }
            guard case .toolCall(let call) = part.content else { continue }
            writer.beginObject()
            writer.key("id")
            if let id = call.id { writer.string(id) } else { writer.string(call.name) }
            writer.member("type", text: "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", call.name)
            writer.key("arguments")
            writer.stringified(call.arguments)
            writer.endObject()
            if isOwn { writer.extras(part.extras) }
            writer.endObject()
        }
        writer.endArray()
    }

    private static func reasoning(_ parts: [ChatPart], _ writer: inout JSONWriter) {
        let thoughts = parts.filter { part in
            switch part.content {
            case .reasoning, .redactedReasoning: true
            default: false
            }
        }
        guard !thoughts.isEmpty else { return }
        if thoughts.count == 1, thoughts[0].signature == nil, case .reasoning(let text) = thoughts[0].content { return writer.member("reasoning_content", text) }
        writer.key("thinking_blocks")
        writer.beginArray()
        for part in thoughts {
            writer.beginObject()
            switch part.content {
            case .reasoning(let text):
                writer.member("type", text: "thinking")
                writer.member("thinking", text)
                writer.member("signature", part.signature)
            case .redactedReasoning(let data):
                writer.member("type", text: "redacted_thinking")
                writer.member("data", data)
            default: break
            }
            writer.endObject()
        }
        writer.endArray()
    }

    private static func results(_ message: ChatMessage, _ isOwn: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        for part in message.parts {
            guard case .toolResult(let result) = part.content else { continue }
            writer.beginObject()
            writer.key("role")
            writer.string(result.callID == nil && isOwn ? "function" as StaticString : "tool")
            if let id = result.callID { writer.member("tool_call_id", id) } else if !isOwn { writer.member("tool_call_id", result.name) }
            if isOwn { writer.member("name", result.name) }
            writer.key("content")
            if let json = result.json {
                writer.string(json.raw)
            } else if result.parts.isEmpty {
                writer.string("" as StaticString)
            } else {
                var parts = result.parts
                if !isOwn {
                    parts = parts.filter { $0.isText }
                    try encoding.drop("messages[].content[].content[] of a tool_result that is no text", if: parts.count < result.parts.count)
                }
                if parts.isEmpty { writer.string("" as StaticString) } else { try self.content(parts, isPlain: result.isPlain, isOwn, marksCache: false, &writer, &encoding) }
            }
            if isOwn { writer.extras(message.extras) } else { try encoding.drop("messages[].content[].is_error", if: result.isError == true) }
            writer.endObject()
        }
    }
}

extension ChatMedia {
    fileprivate var isDataURL: Bool {
        if case .url(let url) = self.source { url.hasPrefix("data:") } else { false }
    }
}

extension ChatPart {
    fileprivate var isText: Bool { if case .text = self.content { true } else { false } }
}
