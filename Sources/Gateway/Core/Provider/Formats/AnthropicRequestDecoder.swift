import GatewayWire

/// Reads a request of Anthropic's Messages API into the canonical model.
enum AnthropicRequestDecoder {
    static func decode(_ root: JSONView) throws(ProviderFailure) -> ChatRequest {
        var request = ChatRequest(origin: .anthropic)
        var system: [ChatMessage] = []
        for (key, value) in root.members {
            let key = key.string ?? ""
            if value.isNull { continue }
            switch key {
            case "model": request.model = try OpenAIRequestDecoder.text(value, key)
            case "max_tokens":
                request.maximumTokens = try OpenAIRequestDecoder.number(value, key)
                request.limitCountsReasoning = true
            case "system": system = [try self.system(value)]
            case "messages":
                for message in try OpenAIRequestDecoder.list(value, key).elements { request.messages.append(contentsOf: try self.messages(message)) }
            case "tools": for tool in try OpenAIRequestDecoder.list(value, key).elements { request.tools.append(self.tool(tool)) }
            case "tool_choice": self.toolChoice(value, &request)
            case "stop_sequences": request.stop = value.elements.compactMap { ChatText($0) }
            case "temperature": request.temperature = try OpenAIRequestDecoder.number(value, key)
            case "top_p": request.topP = try OpenAIRequestDecoder.number(value, key)
            case "top_k": request.topK = try OpenAIRequestDecoder.number(value, key)
            case "stream": request.stream = value.bool
            case "thinking": self.thinking(value, &request)
            case "output_config": self.outputConfiguration(value, &request)
            case "metadata":
                request.metadata = value
                request.user = ChatText(value["user_id"])
            case "service_tier": request.serviceTier = ChatText(value)
            case "cache_control": request.cacheControl = value
            default: request.extras.append(ChatExtra(key, value))
            }
        }
        request.messages.insert(contentsOf: system, at: 0)
        // A stream of this API always tells the usage.
        request.includesUsage = request.stream
        return request
    }

    private static func system(_ value: JSONView) throws(ProviderFailure) -> ChatMessage {
        var message = ChatMessage(.system)
        message.parts = try self.content(value, "system", &message.isPlain)
        return message
    }

    private static func thinking(_ value: JSONView, _ request: inout ChatRequest) {
        var reasoning = request.reasoning ?? ChatReasoning()
        if value["type"]?.equals("disabled") == true { reasoning.isDisabled = true }
        if value["type"]?.equals("adaptive") == true { reasoning.isAdaptive = true }
        reasoning.budget = ChatNumber(value["budget_tokens"])
        reasoning.includesThoughts = value["display"]?.equals("omitted") == true ? false : reasoning.isDisabled ? nil : true
        request.reasoning = reasoning
    }

    private static func outputConfiguration(_ value: JSONView, _ request: inout ChatRequest) {
        if let effort = ChatText(value["effort"]) {
            var reasoning = request.reasoning ?? ChatReasoning()
            reasoning.effort = effort
            request.reasoning = reasoning
        }
        if let format = value["format"], format["type"]?.equals("json_schema") == true { request.responseFormat = .schema(ChatSchema(schema: format["schema"], isStrict: true)) }
        request.extras.append(ChatExtra("output_config", value, isUnderstood: true))
    }

    // MARK: Tools

    private static func tool(_ value: JSONView) -> ChatTool {
        // Tools without a schema are the vendor's own: web search, computer use, …
        guard let name = ChatText(value["name"]), let schema = value["input_schema"] else { return ChatTool(.other(value)) }
        var tool = ChatTool(.function(ChatFunction(name: name, description: ChatText(value["description"]), parameters: schema, isStrict: value["strict"]?.bool)))
        for (key, value) in value.members where !value.isNull {
            switch key.string ?? "" {
            case "name", "input_schema", "description", "strict", "type": continue
            case "cache_control": tool.cacheControl = value
            case let other: tool.extras.append(ChatExtra(other, value))
            }
        }
        return tool
    }

    private static func toolChoice(_ value: JSONView, _ request: inout ChatRequest) {
        guard let type = value["type"] else { return }
        if type.equals("auto") { request.toolChoice = .auto }
        if type.equals("any") { request.toolChoice = .required }
        if type.equals("none") { request.toolChoice = ChatToolChoice.none }
        if type.equals("tool"), let name = ChatText(value["name"]) { request.toolChoice = .function(name) }
        if let isSerial = value["disable_parallel_tool_use"]?.bool { request.allowsParallelToolCalls = !isSerial }
    }

    // MARK: Messages

    /// A turn of a user may hold results of tools among its blocks: each run of them is a message of its own in the canonical model.
    private static func messages(_ value: JSONView) throws(ProviderFailure) -> [ChatMessage] {
        guard let roleView = value["role"] else { throw OpenAIRequestDecoder.invalid("messages[].role", "is missing") }
        let role: ChatRole
        if roleView.equals("assistant") {
            role = .assistant
        } else if roleView.equals("user") {
            role = .user
        } else if roleView.equals("system") {
            role = .system
        } else {
            throw OpenAIRequestDecoder.invalid("messages[].role", "must be user or assistant")
        }
        guard let content = value["content"] else { throw OpenAIRequestDecoder.invalid("messages[].content", "is missing") }
        var isPlain = false
        let parts = try self.content(content, "messages[].content", &isPlain)
        guard role == .user, parts.contains(where: { if case .toolResult = $0.content { true } else { false } }) else {
            var message = ChatMessage(role, parts)
            message.isPlain = isPlain
            return [message]
        }
        var messages: [ChatMessage] = []
        for part in parts {
            var side = ChatRole.user
            if case .toolResult = part.content { side = .tool }
            // Each result is a message: that is how every other format has them.
            if side == .user, let last = messages.indices.last, messages[last].role == .user {
                messages[last].parts.append(part)
            } else {
                messages.append(ChatMessage(side, [part]))
            }
        }
        return messages
    }

    private static func content(_ value: JSONView, _ name: String, _ isPlain: inout Bool) throws(ProviderFailure) -> [ChatPart] {
        if let text = ChatText(value) {
            isPlain = true
            return [ChatPart(.text(text))]
        }
        guard value.kind == .array else { throw OpenAIRequestDecoder.invalid(name, "must be a text or a list of blocks") }
        var parts: [ChatPart] = []
        for block in value.elements { parts.append(try self.block(block, name)) }
        return parts
    }

    private static func block(_ block: JSONView, _ name: String) throws(ProviderFailure) -> ChatPart {
        guard block.kind == .object, let type = block["type"]?.string else { throw OpenAIRequestDecoder.invalid("\(name)[].type", "is missing") }
        var part = ChatPart(try self.blockContent(type, block, name) ?? .other(block))
        part.cacheControl = block["cache_control"].flatMap { $0.isNull ? nil : $0 }
        if type == "thinking" { part.signature = ChatText(block["signature"]) }
        if type == "document" { part.extras = self.documentExtras(block) }
        return part
    }

    /// What a document has beside its content.
    private static func documentExtras(_ block: JSONView) -> [ChatExtra] {
        var extras: [ChatExtra] = []
        if let context = block["context"], !context.isNull { extras.append(ChatExtra("context", context)) }
        // Without citations there is nothing that another format would have to say.
        if let citations = block["citations"], citations["enabled"]?.bool == true { extras.append(ChatExtra("citations", citations)) }
        return extras
    }

    private static func blockContent(_ type: String, _ block: JSONView, _ name: String) throws(ProviderFailure) -> ChatContent? {
        switch type {
        case "text": return ChatText(block["text"]).map { .text($0) }
        case "thinking": return ChatText(block["thinking"]).map { .reasoning($0) }
        case "redacted_thinking": return ChatText(block["data"]).map { .redactedReasoning($0) }
        case "image": return self.media(.image, block).map { .media($0) }
        case "document": return self.media(.document, block).map { .media($0) }
        case "tool_use":
            guard let toolName = ChatText(block["name"]) else { throw OpenAIRequestDecoder.invalid("\(name)[].name", "is missing") }
            return .toolCall(ChatToolCall(id: ChatText(block["id"]), name: toolName, arguments: block["input"].map { .json($0) } ?? .text(ChatText("" as StaticString))))
        case "tool_result":
            var result = ChatToolResult(callID: ChatText(block["tool_use_id"]), parts: [])
            if let content = block["content"], !content.isNull { result.parts = try self.content(content, "\(name)[].content", &result.isPlain) }
            result.isError = block["is_error"]?.bool
            return .toolResult(result)
        default: return nil
        }
    }

    private static func media(_ kind: ChatMedia.Kind, _ block: JSONView) -> ChatMedia? {
        guard let source = block["source"], let type = source["type"]?.string else { return nil }
        var media: ChatMedia
        switch type {
        case "base64":
            guard let data = ChatText(source["data"]) else { return nil }
            media = ChatMedia(kind, .base64(data), mediaType: ChatText(source["media_type"]))
        case "url":
            guard let url = ChatText(source["url"]) else { return nil }
            media = ChatMedia(kind, .url(url))
        case "file":
            guard let id = ChatText(source["file_id"]) else { return nil }
            media = ChatMedia(kind, .file(id))
        case "text":
            guard let text = ChatText(source["data"]) else { return nil }
            media = ChatMedia(kind, .text(text), mediaType: ChatText(source["media_type"]))
        default: return nil
        }
        media.fileName = ChatText(block["title"])
        return media
    }
}
