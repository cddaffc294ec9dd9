import GatewayCore
import GatewayWire
import NIOCore

/// Writes a conversation as Converse's content blocks (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html).
enum BedrockMessageEncoder {
    /// Turns of the same side become one message: Converse wants user and assistant in alternation, and all results of a turn's tool calls together.
    static func messages(_ messages: [ChatMessage], _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.key("messages")
        writer.beginArray()
        var open: ChatRole?
        for message in messages where message.role != .system && message.role != .developer {
            let side: ChatRole = message.role == .assistant ? .assistant : .user
            let parts = message.parts.filter { self.saysSomething($0) }
            if parts.isEmpty { continue }
            if let open, open != side { self.close(&writer) }
            if open != side {
                writer.beginObject()
                writer.member("role", text: side == .assistant ? "assistant" : "user")
                writer.key("content")
                writer.beginArray()
                open = side
            }
            for part in parts {
                try self.block(part, &writer, &encoding)
                BedrockRequestEncoder.cachePoint(part.cacheControl, &writer)
            }
            try encoding.drop("messages[].name", if: message.name != nil)
            try encoding.drop(message.extras, in: "messages[].")
        }
        if open != nil { self.close(&writer) }
        writer.endArray()
    }

    private static func close(_ writer: inout JSONWriter) {
        writer.endArray()
        writer.endObject()
    }

    /// Converse refuses empty texts.
    private static func saysSomething(_ part: ChatPart) -> Bool {
        if case .text(let text) = part.content { return !text.isEmpty }
        return true
    }

    /// One block, but for the cache point behind it.
    private static func block(_ part: ChatPart, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        switch part.content {
        case .text(let text), .refusal(let text):
            writer.beginObject()
            writer.member("text", text)
            writer.endObject()
        case .reasoning(let text):
            // Thoughts nobody has signed are not taken back.
            guard let signature = part.signature else { return try encoding.drop("messages[].reasoning_content") }
            writer.beginObject()
            writer.key("reasoningContent")
            writer.beginObject()
            writer.key("reasoningText")
            writer.beginObject()
            writer.member("text", text)
            writer.member("signature", signature)
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
        case .media(let media): try self.media(media, &writer, &encoding)
        case .toolCall(let call): try self.toolUse(call, &writer)
        case .toolResult(let result): try self.toolResult(result, &writer, &encoding)
        case .other(let view):
            if view["guardContent"] != nil || view["cachePoint"] != nil || view["searchResult"] != nil || view["citationsContent"] != nil {
                writer.raw(view)
            } else {
                try encoding.drop(unknown: view, in: "messages[].content[]")
            }
        }
        try encoding.drop(part.extras, in: "messages[].content[].")
    }

    // MARK: Tools

    private static func toolUse(_ call: ChatToolCall, _ writer: inout JSONWriter) throws(ProviderFailure) {
        writer.beginObject()
        writer.key("toolUse")
        writer.beginObject()
        writer.member("toolUseId", call.id ?? call.name)
        writer.member("name", call.name)
        writer.key("input")
        guard writer.object(call.arguments) else {
            throw ProviderFailure(
                "invalid_tool_arguments", status: 400, message: "\"messages[].tool_calls[].function.arguments\" is not a JSON object",
                parameter: "messages[].tool_calls[].function.arguments")
        }
        writer.endObject()
        writer.endObject()
    }

    private static func toolResult(_ result: ChatToolResult, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard let id = result.callID ?? result.name else {
            throw ProviderFailure("missing_tool_call_id", status: 400, message: "\"messages[].tool_call_id\" is missing", parameter: "messages[].tool_call_id")
        }
        writer.beginObject()
        writer.key("toolResult")
        writer.beginObject()
        writer.member("toolUseId", id)
        writer.key("content")
        writer.beginArray()
        if let json = result.json {
            writer.beginObject()
            writer.member("json", json)
            writer.endObject()
        }
        for part in result.parts where self.saysSomething(part) { try self.block(part, &writer, &encoding) }
        writer.endArray()
        if let isError = result.isError { writer.member("status", text: isError ? "error" : "success") }
        writer.endObject()
        writer.endObject()
    }

    // MARK: Media

    private static func media(_ media: ChatMedia, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        let field: StaticString
        switch media.kind {
        case .image: field = "messages[].content[].image_url"
        case .audio: field = "messages[].content[].input_audio"
        case .video: field = "messages[].content[].video_url"
        case .document: field = "messages[].content[].file"
        }
        switch media.source {
        case .url(let url) where !url.hasPrefix("s3://"):
            throw ProviderFailure("media_url_unsupported", status: 400, message: "\"\(field)\" must be a data URL: the provider of this model fetches none", parameter: "\(field)")
        case .file: return try encoding.drop("\(field) by file id")
        case .text where media.kind != .document: return try encoding.drop("\(field)")
        default: break
        }
        guard let format = self.format(media) else { return try encoding.drop("\(field) of this media type") }
        writer.beginObject()
        switch media.kind {
        case .image: writer.key("image")
        case .audio: writer.key("audio")
        case .video: writer.key("video")
        case .document: writer.key("document")
        }
        writer.beginObject()
        writer.key("format")
        writer.string(format)
        if media.kind == .document {
            writer.key("name")
            writer.string(self.documentName(media.fileName))
        }
        writer.key("source")
        writer.beginObject()
        switch media.source {
        case .base64(let data): writer.member("bytes", data)
        case .text(let text):
            writer.key("text")
            writer.string(text)
        case .url(let url), .file(let url):
            writer.key("s3Location")
            writer.beginObject()
            writer.member("uri", url)
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        writer.endObject()
    }

    /// Converse's name of a media type; nil: it has none.
    private static func format(_ media: ChatMedia) -> String? {
        let type = media.mediaType?.string.lowercased() ?? ""
        let subtype = type.split(separator: "/").last.map(String.init) ?? ""
        switch media.kind {
        case .image:
            if ["png", "jpeg", "gif", "webp"].contains(subtype) { return subtype }
            if subtype == "jpg" { return "jpeg" }
            return type.isEmpty ? "png" : nil
        case .video:
            let names = ["x-matroska": "mkv", "quicktime": "mov", "x-flv": "flv", "x-ms-wmv": "wmv", "3gpp": "three_gp"]
            if let name = names[subtype] { return name }
            if ["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv"].contains(subtype) { return subtype }
            return type.isEmpty ? "mp4" : nil
        case .audio:
            let names = ["mpeg": "mp3", "x-wav": "wav", "wave": "wav", "x-m4a": "m4a"]
            if let name = names[subtype] { return name }
            return ["mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mka", "m4a", "pcm", "webm"].contains(subtype) ? subtype : nil
        case .document:
            if case .text = media.source { return "txt" }
            if let known = self.documentFormats[type] { return known }
            let ending = media.fileName?.string.split(separator: ".").last.map { ".\($0.lowercased())" } ?? ""
            return self.documentFormats[ending] ?? (type.isEmpty ? "pdf" : nil)
        }
    }

    private static let documentFormats = [
        "application/pdf": "pdf", "text/csv": "csv", "application/msword": "doc", "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx", "text/html": "html", "text/plain": "txt",
        "text/markdown": "md", ".pdf": "pdf", ".csv": "csv", ".doc": "doc", ".docx": "docx", ".xls": "xls", ".xlsx": "xlsx", ".html": "html", ".txt": "txt", ".md": "md",
    ]

    /// Letters, digits, single blanks, hyphens, parentheses and brackets are what Converse takes in a document's name.
    private static func documentName(_ name: ChatText?) -> String {
        guard let name = name?.string.split(separator: ".").first, !name.isEmpty else { return "document" }
        var result = ""
        for scalar in name.unicodeScalars {
            let isKept = (scalar.isASCII && scalar.properties.isAlphabetic) || ("0"..."9").contains(scalar) || "-()[]".unicodeScalars.contains(scalar)
            if isKept { result.unicodeScalars.append(scalar) } else if !result.hasSuffix(" ") { result += " " }
        }
        return result.allSatisfy { $0 == " " } ? "document" : result
    }
}
