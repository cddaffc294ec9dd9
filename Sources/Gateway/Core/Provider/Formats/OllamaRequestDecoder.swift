import GatewayWire

/// Reads a request of Ollama's `/api/chat` into the canonical model.
enum OllamaRequestDecoder {
    static func decode(_ root: JSONView) throws(ProviderFailure) -> ChatRequest {
        var request = ChatRequest(origin: .ollama)
        var calls = CallIDs()
        for (key, value) in root.members {
            let key = key.string ?? ""
            if value.isNull { continue }
            switch key {
            case "model": request.model = try OpenAIRequestDecoder.text(value, key)
            case "messages": for message in try OpenAIRequestDecoder.list(value, key).elements { request.messages.append(try self.message(message, &calls)) }
            case "tools": for tool in try OpenAIRequestDecoder.list(value, key).elements { request.tools.append(try OpenAIRequestDecoder.tool(tool)) }
            case "format":
                if value.kind == .object { request.responseFormat = .schema(ChatSchema(schema: value)) } else if value.equals("json") { request.responseFormat = .json }
            case "options": try self.options(value, &request)
            case "think": request.reasoning = self.reasoning(value)
            case "logprobs": request.logprobs = value.bool
            case "top_logprobs": request.topLogprobs = ChatNumber(value)
            case "stream": continue
            // How long Ollama keeps the model in memory means nothing elsewhere.
            case "keep_alive": request.extras.append(ChatExtra(key, value, isUnderstood: true))
            default: request.extras.append(ChatExtra(key, value))
            }
        }
        guard !request.messages.isEmpty else { throw OpenAIRequestDecoder.invalid("messages", "must be a list of at least one message") }
        request.stream = root["stream"]?.bool ?? true
        // A stream of this API always tells the usage.
        request.includesUsage = request.stream
        return request
    }

    // MARK: Messages

    private static func message(_ value: JSONView, _ calls: inout CallIDs) throws(ProviderFailure) -> ChatMessage {
        guard value.kind == .object, let role = value["role"]?.string else { throw OpenAIRequestDecoder.invalid("messages[].role", "is missing") }
        let text = ChatText(value["content"])
        switch role {
        case "system": return ChatMessage(.system, self.texts(text))
        case "user": return ChatMessage(.user, self.texts(text) + (value["images"]?.elements.compactMap { self.image($0) } ?? []))
        case "assistant":
            var parts: [ChatPart] = []
            if let thought = ChatText(value["thinking"]), !thought.isEmpty { parts.append(ChatPart(.reasoning(thought))) }
            if let text, !text.isEmpty { parts.append(ChatPart(.text(text))) }
            for call in value["tool_calls"]?.elements.map({ $0 }) ?? [] {
                guard let function = call["function"], let name = ChatText(function["name"]) else {
                    throw OpenAIRequestDecoder.invalid("messages[].tool_calls[].function.name", "is missing")
                }
                let arguments = function["arguments"].map { ChatText($0).map { .text($0) } ?? .json($0) } ?? ChatArguments.text(ChatText("{}" as StaticString))
                parts.append(ChatPart(.toolCall(ChatToolCall(id: calls.call(name, ChatText(call["id"])), name: name, arguments: arguments))))
            }
            return ChatMessage(.assistant, parts)
        case "tool":
            let name = ChatText(value["tool_name"])
            let paired = calls.result(name)
            var result = ChatToolResult(callID: ChatText(value["tool_call_id"]) ?? paired, name: name, parts: self.texts(text))
            result.isPlain = true
            return ChatMessage(.tool, [ChatPart(.toolResult(result))])
        default: throw OpenAIRequestDecoder.invalid("messages[].role", "must be system, user, assistant or tool")
        }
    }

    private static func texts(_ text: ChatText?) -> [ChatPart] { text.map { [ChatPart(.text($0))] } ?? [] }

    /// An image in base64 says nothing of its type but by its first bytes.
    private static func image(_ value: JSONView) -> ChatPart? {
        guard let data = ChatText(value) else { return nil }
        let type: StaticString =
            data.hasPrefix("/9j/") ? "image/jpeg" : data.hasPrefix("R0lG") ? "image/gif" : data.hasPrefix("UklGR") ? "image/webp" : "image/png"
        return ChatPart(.media(ChatMedia(.image, .base64(data), mediaType: ChatText(type))))
    }

    // MARK: Options

    private static func options(_ value: JSONView, _ request: inout ChatRequest) throws(ProviderFailure) {
        for (key, value) in value.members where !value.isNull {
            let key = key.string ?? ""
            switch key {
            // Below zero there is no limit.
            case "num_predict": if let limit = value.int, limit > 0 { request.maximumTokens = ChatNumber(limit) }
            case "temperature": request.temperature = try OpenAIRequestDecoder.number(value, key)
            case "top_p": request.topP = try OpenAIRequestDecoder.number(value, key)
            case "top_k": request.topK = try OpenAIRequestDecoder.number(value, key)
            case "seed": request.seed = try OpenAIRequestDecoder.number(value, key)
            case "frequency_penalty": request.frequencyPenalty = try OpenAIRequestDecoder.number(value, key)
            case "presence_penalty": request.presencePenalty = try OpenAIRequestDecoder.number(value, key)
            case "stop": request.stop = ChatText(value).map { [$0] } ?? value.elements.compactMap { ChatText($0) }
            default: request.extras.append(ChatExtra("options.\(key)", value))
            }
        }
    }

    private static func reasoning(_ value: JSONView) -> ChatReasoning {
        var reasoning = ChatReasoning()
        reasoning.isDisabled = value.bool == false
        reasoning.effort = ChatText(value)
        reasoning.isAdaptive = value.bool == true
        reasoning.includesThoughts = reasoning.isDisabled ? nil : true
        return reasoning
    }
}
