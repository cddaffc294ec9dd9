public import GatewayWire
import NIOCore

/// Reads the messages of a request in OpenAI's format (https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages).
enum OpenAIMessageDecoder {
    static func message(_ value: JSONView) throws(ProviderFailure) -> ChatMessage {
        guard value.kind == .object else { throw OpenAIRequestDecoder.invalid("messages", "must be a list of objects") }
        guard let roleText = value["role"]?.string else { throw OpenAIRequestDecoder.invalid("messages[].role", "is missing") }
        var message: ChatMessage
        switch roleText {
        case "system": message = ChatMessage(.system)
        case "developer": message = ChatMessage(.developer)
        case "user": message = ChatMessage(.user)
        case "assistant": message = ChatMessage(.assistant)
        case "tool", "function": message = ChatMessage(.tool)
        default: throw OpenAIRequestDecoder.invalid("messages[].role", "must be system, developer, user, assistant or tool")
        }
        var tail = AssistantParts()
        var callID: ChatText?
        for (key, value) in value.members where !value.isNull {
            switch key.string ?? "" {
            case "role": continue
            case "content": message.parts = try self.content(value, &message.isPlain)
            case "name": message.name = ChatText(value)
            case "tool_call_id": callID = ChatText(value)
            case "refusal": tail.refusal = ChatText(value)
            case "tool_calls": tail.calls = try self.calls(value)
            case "reasoning_content", "reasoning": if let text = ChatText(value) { tail.reasoning = text } else { message.extras.append(ChatExtra("reasoning", value)) }
            case "thinking_blocks": tail.blocks = self.thinkingBlocks(value)
            case let other: message.extras.append(ChatExtra(other, value))
            }
        }
        if message.role == .tool {
            var result = ChatToolResult(callID: callID, name: message.name, parts: message.parts)
            result.isPlain = message.isPlain
            message.parts = [ChatPart(.toolResult(result))]
            message.name = nil
        } else {
            tail.add(to: &message)
        }
        return message
    }

    /// What an assistant's message has beside its content.
    private struct AssistantParts {
        var reasoning: ChatText?
        /// The same with signatures, as LiteLLM writes it.
        var blocks: [ChatPart] = []
        var refusal: ChatText?
        var calls: [ChatPart] = []

        func add(to message: inout ChatMessage) {
            if !self.blocks.isEmpty {
                message.parts.insert(contentsOf: self.blocks, at: 0)
            } else if let reasoning = self.reasoning {
                message.parts.insert(ChatPart(.reasoning(reasoning)), at: 0)
            }
            if let refusal = self.refusal { message.parts.append(ChatPart(.refusal(refusal))) }
            message.parts += self.calls
        }
    }

    private static func content(_ value: JSONView, _ isPlain: inout Bool) throws(ProviderFailure) -> [ChatPart] {
        if let text = ChatText(value) {
            isPlain = true
            return [ChatPart(.text(text))]
        }
        guard value.kind == .array else { throw OpenAIRequestDecoder.invalid("messages[].content", "must be a text or a list of parts") }
        var parts: [ChatPart] = []
        for element in value.elements { parts.append(try self.part(element)) }
        return parts
    }

    private static func part(_ value: JSONView) throws(ProviderFailure) -> ChatPart {
        guard value.kind == .object, let type = value["type"]?.string else { throw OpenAIRequestDecoder.invalid("messages[].content[].type", "is missing") }
        var part = ChatPart(self.partContent(type, value) ?? .other(value))
        if case .other = part.content { return part }
        for (key, value) in value.members where !value.isNull {
            switch key.string ?? "" {
            case "type", type: continue
            case "cache_control": part.cacheControl = value
            case let other: part.extras.append(ChatExtra(other, value))
            }
        }
        return part
    }

    private static func partContent(_ type: String, _ value: JSONView) -> ChatContent? {
        guard let inner = value[type] else { return nil }
        switch type {
        case "text": return ChatText(inner).map { .text($0) }
        case "refusal": return ChatText(inner).map { .refusal($0) }
        case "image_url", "video_url":
            guard let url = ChatText(inner["url"] ?? inner) else { return nil }
            var media = DataURL.media(type == "image_url" ? .image : .video, url)
            media.detail = ChatText(inner["detail"])
            return .media(media)
        case "input_audio":
            guard let data = ChatText(inner["data"]) else { return nil }
            return .media(ChatMedia(.audio, .base64(data), mediaType: ChatText(inner["format"]).map { DataURL.audioType($0) }))
        case "file":
            var media: ChatMedia
            if let id = ChatText(inner["file_id"]) {
                media = ChatMedia(.document, .file(id))
            } else if let data = ChatText(inner["file_data"]) {
                media = DataURL.media(.document, data)
            } else {
                return nil
            }
            media.fileName = ChatText(inner["filename"])
            return .media(media)
        default: return nil
        }
    }

    private static func calls(_ value: JSONView) throws(ProviderFailure) -> [ChatPart] {
        var parts: [ChatPart] = []
        for element in try OpenAIRequestDecoder.list(value, "messages[].tool_calls").elements {
            guard let function = element["function"], let name = ChatText(function["name"]) else {
                parts.append(ChatPart(.other(element)))
                continue
            }
            let arguments = ChatText(function["arguments"]).map { ChatArguments.text($0) } ?? function["arguments"].map { ChatArguments.json($0) } ?? .text(ChatText("" as StaticString))
            var part = ChatPart(.toolCall(ChatToolCall(id: ChatText(element["id"]), name: name, arguments: arguments)))
            for (key, value) in element.members where !value.isNull {
                switch key.string ?? "" {
                case "id", "type", "function", "index": continue
                case "extra_content":
                    // https://ai.google.dev/gemini-api/docs/thought-signatures#openai
                    part.signature = ChatText(value["google"]?["thought_signature"])
                    part.extras.append(ChatExtra("extra_content", value, isUnderstood: part.signature != nil))
                case let other: part.extras.append(ChatExtra(other, value))
                }
            }
            parts.append(part)
        }
        return parts
    }

    private static func thinkingBlocks(_ value: JSONView) -> [ChatPart] {
        value.elements.compactMap { element in
            if let data = ChatText(element["data"]) { return ChatPart(.redactedReasoning(data)) }
            guard let text = ChatText(element["thinking"]) else { return nil }
            var part = ChatPart(.reasoning(text))
            part.signature = ChatText(element["signature"])
            return part
        }
    }
}

/// URLs that hold their content: `data:image/png;base64,…` (RFC 2397).
public enum DataURL {
    /// A medium at a URL: its content where the URL holds it as base64.
    public static func media(_ kind: ChatMedia.Kind, _ url: ChatText) -> ChatMedia {
        guard url.hasPrefix("data:") else { return ChatMedia(kind, .url(url)) }
        let bytes = url.plain
        guard let comma = bytes.readableBytesView.firstIndex(of: UInt8(ascii: ",")),
            let head = bytes.getSlice(at: bytes.readerIndex + 5, length: comma - bytes.readerIndex - 5),
            let data = bytes.getSlice(at: comma + 1, length: bytes.writerIndex - comma - 1)
        else { return ChatMedia(kind, .url(url)) }
        let suffix = ";base64"
        let text = String(buffer: head)
        guard text.hasSuffix(suffix), text.utf8.count > suffix.utf8.count else { return ChatMedia(kind, .url(url)) }
        return ChatMedia(kind, .base64(ChatText(plain: data)), mediaType: ChatText(String(text.dropLast(suffix.count))))
    }

    /// OpenAI's names of sound formats as media types.
    static func audioType(_ format: ChatText) -> ChatText {
        switch format.string {
        case "mp3": ChatText("audio/mpeg" as StaticString)
        case let other: ChatText("audio/\(other)")
        }
    }

    /// The other way round.
    public static func audioFormat(_ mediaType: ChatText?) -> String {
        switch mediaType?.string {
        case nil: "wav"
        case "audio/mpeg", "audio/mp3": "mp3"
        case "audio/x-wav", "audio/wave": "wav"
        case let other?: other.hasPrefix("audio/") ? String(other.dropFirst(6)) : other
        }
    }
}

extension JSONWriter {
    /// Writes a medium's content as a URL: its own, or a `data:` URL.
    public mutating func url(_ media: ChatMedia, fallbackType: StaticString) {
        switch media.source {
        case .url(let url), .file(let url): self.string(url)
        case .base64(let data):
            self.beginString()
            self.piece("data:")
            if let type = media.mediaType { self.piece(type) } else { self.piece(fallbackType) }
            self.piece(";base64,")
            self.piece(data)
            self.endString()
        case .text(let text):
            self.beginString()
            self.piece("data:text/plain;base64,")
            self.piece(ChatText(plain: Base64.encode(text.plain)))
            self.endString()
        }
    }
}
