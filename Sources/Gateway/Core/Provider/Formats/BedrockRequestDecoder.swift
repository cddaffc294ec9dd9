import GatewayWire

/// Reads a request of Converse into the canonical model.
enum BedrockRequestDecoder {
    static func decode(_ root: JSONView) throws(ProviderFailure) -> ChatRequest {
        var request = ChatRequest(origin: .bedrock)
        var system: [ChatMessage] = []
        for (key, value) in root.members {
            if value.isNull { continue }
            switch key.string ?? "" {
            case "messages": for message in try OpenAIRequestDecoder.list(value, "messages").elements { request.messages.append(contentsOf: try self.messages(message)) }
            case "system": system = [ChatMessage(.system, try self.parts(value, "system"))]
            case "inferenceConfig": self.inference(value, &request)
            case "toolConfig": try self.tools(value, &request)
            case "additionalModelRequestFields": self.modelFields(value, &request)
            case "outputConfig": self.output(value, &request)
            case "serviceTier": request.serviceTier = ChatText(value["type"])
            case let other: request.extras.append(ChatExtra(other, value))
            }
        }
        request.messages.insert(contentsOf: system, at: 0)
        return request
    }

    private static func inference(_ value: JSONView, _ request: inout ChatRequest) {
        request.maximumTokens = ChatNumber(value["maxTokens"])
        request.temperature = ChatNumber(value["temperature"])
        request.topP = ChatNumber(value["topP"])
        request.stop = value["stopSequences"]?.elements.compactMap { ChatText($0) } ?? []
    }

    /// What of the model's own fields the canonical model has a place for.
    private static func modelFields(_ value: JSONView, _ request: inout ChatRequest) {
        request.topK = ChatNumber(value["top_k"]) ?? ChatNumber(value["inferenceConfig"]?["topK"])
        let isUnderstood = value.members.allSatisfy { $0.key.equals("top_k") || $0.key.equals("thinking") || $0.key.equals("output_config") }
        if let thinking = value["thinking"] {
            var reasoning = ChatReasoning()
            reasoning.budget = ChatNumber(thinking["budget_tokens"])
            reasoning.isDisabled = thinking["type"]?.equals("disabled") == true
            reasoning.isAdaptive = thinking["type"]?.equals("adaptive") == true
            reasoning.effort = ChatText(value["output_config"]?["effort"])
            request.reasoning = reasoning
        }
        request.extras.append(ChatExtra("additionalModelRequestFields", value, isUnderstood: isUnderstood))
    }

    private static func output(_ value: JSONView, _ request: inout ChatRequest) {
        if let effort = ChatText(value["effort"]) {
            var reasoning = request.reasoning ?? ChatReasoning()
            reasoning.effort = effort
            request.reasoning = reasoning
        }
        guard let definition = value["textFormat"]?["structure"]?["jsonSchema"], let text = definition["schema"]?.text, let schema = try? JSONDocument(text).root else { return }
        request.responseFormat = .schema(ChatSchema(name: ChatText(definition["name"]), description: ChatText(definition["description"]), schema: schema, isStrict: true))
    }

    // MARK: Tools

    private static func tools(_ value: JSONView, _ request: inout ChatRequest) throws(ProviderFailure) {
        for tool in value["tools"]?.elements ?? value.elements {
            if let specification = tool["toolSpec"] {
                guard let name = ChatText(specification["name"]) else { throw OpenAIRequestDecoder.invalid("toolConfig.tools[].toolSpec.name", "is missing") }
                let function = ChatFunction(
                    name: name, description: ChatText(specification["description"]), parameters: specification["inputSchema"]?["json"], isStrict: specification["strict"]?.bool)
                request.tools.append(ChatTool(.function(function)))
            } else if let point = tool["cachePoint"], let last = request.tools.indices.last {
                request.tools[last].cacheControl = self.cacheControl(point)
            } else {
                request.tools.append(ChatTool(.other(tool)))
            }
        }
        guard let choice = value["toolChoice"] else { return }
        if choice["auto"] != nil { request.toolChoice = .auto }
        if choice["any"] != nil { request.toolChoice = .required }
        if let name = ChatText(choice["tool"]?["name"]) { request.toolChoice = .function(name) }
    }

    /// Anthropic's spelling of a cache point, as the canonical model has it.
    private static func cacheControl(_ point: JSONView) -> JSONView? {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", text: "ephemeral")
        writer.member("ttl", ChatText(point["ttl"]))
        writer.endObject()
        return try? JSONDocument(writer.buffer).root
    }

    // MARK: Messages

    /// Results of tools are messages of their own in the canonical model.
    private static func messages(_ value: JSONView) throws(ProviderFailure) -> [ChatMessage] {
        guard let role = value["role"], role.equals("user") || role.equals("assistant") else { throw OpenAIRequestDecoder.invalid("messages[].role", "must be user or assistant") }
        guard let content = value["content"] else { throw OpenAIRequestDecoder.invalid("messages[].content", "is missing") }
        let parts = try self.parts(content, "messages[].content")
        guard role.equals("user") else { return [ChatMessage(.assistant, parts)] }
        var messages: [ChatMessage] = []
        for part in parts {
            if case .toolResult = part.content {
                messages.append(ChatMessage(.tool, [part]))
            } else if let last = messages.indices.last, messages[last].role == .user {
                messages[last].parts.append(part)
            } else {
                messages.append(ChatMessage(.user, [part]))
            }
        }
        return messages
    }

    private static func parts(_ value: JSONView, _ name: String) throws(ProviderFailure) -> [ChatPart] {
        var parts: [ChatPart] = []
        for block in try OpenAIRequestDecoder.list(value, name).elements {
            if let point = block["cachePoint"], let last = parts.indices.last {
                parts[last].cacheControl = self.cacheControl(point)
                continue
            }
            parts.append(try self.part(block, name))
        }
        return parts
    }

    private static func part(_ block: JSONView, _ name: String) throws(ProviderFailure) -> ChatPart {
        guard block.kind == .object else { throw OpenAIRequestDecoder.invalid("\(name)[]", "must be an object") }
        if let text = ChatText(block["text"]) { return ChatPart(.text(text)) }
        if let use = block["toolUse"] {
            guard let tool = ChatText(use["name"]) else { throw OpenAIRequestDecoder.invalid("\(name)[].toolUse.name", "is missing") }
            return ChatPart(.toolCall(ChatToolCall(id: ChatText(use["toolUseId"]), name: tool, arguments: use["input"].map { .json($0) } ?? .text(ChatText("" as StaticString)))))
        }
        if let result = block["toolResult"] { return ChatPart(.toolResult(try self.toolResult(result, name))) }
        if let reasoning = block["reasoningContent"] {
            if let text = ChatText(reasoning["reasoningText"]?["text"]) {
                var part = ChatPart(.reasoning(text))
                part.signature = ChatText(reasoning["reasoningText"]?["signature"])
                return part
            }
            if let data = ChatText(reasoning["redactedContent"]) { return ChatPart(.redactedReasoning(data)) }
        }
        for (key, kind) in [("image", ChatMedia.Kind.image), ("document", .document), ("video", .video), ("audio", .audio)] {
            if let media = block[key].flatMap({ self.media(kind, $0) }) { return ChatPart(.media(media)) }
        }
        return ChatPart(.other(block))
    }

    private static func toolResult(_ value: JSONView, _ name: String) throws(ProviderFailure) -> ChatToolResult {
        var result = ChatToolResult(callID: ChatText(value["toolUseId"]), parts: [])
        for block in value["content"]?.elements ?? value.elements {
            if let json = block["json"] {
                if result.json == nil { result.json = json } else { result.parts.append(ChatPart(.text(ChatText(plain: json.raw)))) }
            } else {
                result.parts.append(try self.part(block, "\(name)[].toolResult.content"))
            }
        }
        result.isError = value["status"].map { $0.equals("error") }
        // One text or one object is what the other formats have.
        if result.json != nil, !result.parts.isEmpty, let json = result.json {
            result.parts.insert(ChatPart(.text(ChatText(plain: json.raw))), at: 0)
            result.json = nil
        }
        return result
    }

    private static func media(_ kind: ChatMedia.Kind, _ value: JSONView) -> ChatMedia? {
        guard let source = value["source"] else { return nil }
        let format = value["format"]?.string ?? ""
        var media: ChatMedia
        if let bytes = ChatText(source["bytes"]) {
            media = ChatMedia(kind, .base64(bytes), mediaType: ChatText(self.mediaType(kind, format)))
        } else if let uri = ChatText(source["s3Location"]?["uri"]) {
            media = ChatMedia(kind, .url(uri), mediaType: ChatText(self.mediaType(kind, format)))
        } else if let text = ChatText(source["text"]) {
            media = ChatMedia(kind, .text(text), mediaType: ChatText("text/plain" as StaticString))
        } else {
            return nil
        }
        media.fileName = ChatText(value["name"])
        return media
    }

    private static func mediaType(_ kind: ChatMedia.Kind, _ format: String) -> String {
        switch kind {
        case .image: return "image/\(format)"
        case .audio: return format == "mp3" ? "audio/mpeg" : "audio/\(format)"
        case .video:
            let names = ["mkv": "x-matroska", "mov": "quicktime", "flv": "x-flv", "wmv": "x-ms-wmv", "three_gp": "3gpp", "mpg": "mpeg"]
            return "video/\(names[format] ?? format)"
        case .document:
            let types = [
                "csv": "text/csv", "doc": "application/msword", "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "xls": "application/vnd.ms-excel",
                "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "html": "text/html", "txt": "text/plain", "md": "text/markdown",
            ]
            return types[format] ?? "application/pdf"
        }
    }
}
