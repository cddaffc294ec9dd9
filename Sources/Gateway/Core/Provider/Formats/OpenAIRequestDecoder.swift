import GatewayWire

/// Reads a request in OpenAI's format into the canonical model.
enum OpenAIRequestDecoder {
    static func decode(_ body: ModelRequestBody) throws(ProviderFailure) -> ChatRequest {
        var request = ChatRequest(origin: .openai)
        for (key, value) in body.document.root.members {
            let key = key.string ?? ""
            // An explicit null says what a missing member says.
            if value.isNull { continue }
            if try self.sampling(key, value, &request) { continue }
            switch key {
            case "model": request.model = try self.text(value, key)
            case "messages": for message in try self.list(value, key).elements { request.messages.append(try OpenAIMessageDecoder.message(message)) }
            case "prompt" where body.operation == .completions: request.messages.append(contentsOf: try self.prompt(value))
            case "tools": for tool in try self.list(value, key).elements { request.tools.append(try self.tool(tool)) }
            case "tool_choice": request.toolChoice = self.toolChoice(value)
            case "parallel_tool_calls": request.allowsParallelToolCalls = value.bool
            case "response_format": request.responseFormat = try self.responseFormat(value)
            case "stop": request.stop = value.kind == .array ? value.elements.compactMap { ChatText($0) } : [try self.text(value, key)]
            case "stream": request.stream = value.bool
            case "stream_options":
                request.includesUsage = value["include_usage"]?.bool
                request.extras.append(ChatExtra(key, value, isUnderstood: true))
            case "user": request.user = ChatText(value)
            case "service_tier": request.serviceTier = ChatText(value)
            case "metadata": request.metadata = value
            case "modalities": request.modalities = value.elements.compactMap { ChatText($0) }
            case "audio": request.audioOutput = value
            case "reasoning_effort", "reasoning", "thinking": self.reasoning(key, value, &request)
            case "safety_settings":
                request.safetySettings = value
                request.extras.append(ChatExtra(key, value, isUnderstood: true))
            case "cache_control": request.cacheControl = value
            default: request.extras.append(ChatExtra(key, value))
            }
        }
        return request
    }

    /// Numbers and switches of sampling; whether the member was one.
    private static func sampling(_ key: String, _ value: JSONView, _ request: inout ChatRequest) throws(ProviderFailure) -> Bool {
        switch key {
        case "max_tokens":
            if request.maximumTokens == nil { request.maximumTokens = try self.number(value, key) } else { request.extras.append(ChatExtra(key, value, isUnderstood: true)) }
            if request.limitCountsReasoning == nil { request.limitCountsReasoning = false }
        case "max_completion_tokens":
            request.maximumTokens = try self.number(value, key)
            request.limitCountsReasoning = true
        case "temperature": request.temperature = try self.number(value, key)
        case "top_p": request.topP = try self.number(value, key)
        case "top_k": request.topK = try self.number(value, key)
        case "frequency_penalty": request.frequencyPenalty = try self.number(value, key)
        case "presence_penalty": request.presencePenalty = try self.number(value, key)
        case "seed": request.seed = try self.number(value, key)
        case "n": request.choiceCount = try self.number(value, key)
        case "logprobs":
            // Completions give the number of alternatives here.
            if value.kind == .number { request.topLogprobs = ChatNumber(value) }
            request.logprobs = value.bool ?? true
        case "top_logprobs": request.topLogprobs = try self.number(value, key)
        case "logit_bias": request.logitBias = value
        default: return false
        }
        return true
    }

    /// The texts of a completion: one user's message each.
    private static func prompt(_ value: JSONView) throws(ProviderFailure) -> [ChatMessage] {
        let texts = value.kind == .array ? value.elements.map { ChatText($0) } : [ChatText(value)]
        var parts: [ChatPart] = []
        for text in texts {
            guard let text else { throw self.invalid("prompt", "must be a text or a list of texts") }
            parts.append(ChatPart(.text(text)))
        }
        var message = ChatMessage(.user, parts)
        message.isPlain = parts.count == 1
        return [message]
    }

    private static func reasoning(_ key: String, _ value: JSONView, _ request: inout ChatRequest) {
        var reasoning = request.reasoning ?? ChatReasoning()
        switch key {
        case "reasoning_effort": reasoning.effort = ChatText(value)
        case "reasoning":
            // https://openrouter.ai/docs/use-cases/reasoning-tokens
            reasoning.effort = reasoning.effort ?? ChatText(value["effort"])
            reasoning.budget = ChatNumber(value["max_tokens"])
            if value["enabled"]?.bool == false { reasoning.isDisabled = true }
            if let excluded = value["exclude"]?.bool { reasoning.includesThoughts = !excluded }
            request.extras.append(ChatExtra(key, value, isUnderstood: true))
        default:
            reasoning.budget = ChatNumber(value["budget_tokens"])
            if value["type"]?.equals("disabled") == true { reasoning.isDisabled = true }
            if value["type"]?.equals("adaptive") == true { reasoning.isAdaptive = true }
            if value["type"]?.equals("enabled") == true, reasoning.budget == nil, reasoning.effort == nil { reasoning.isAdaptive = true }
            request.extras.append(ChatExtra(key, value, isUnderstood: true))
        }
        request.reasoning = reasoning
    }

    // MARK: Tools and formats

    static func tool(_ value: JSONView) throws(ProviderFailure) -> ChatTool {
        guard value.kind == .object else { throw self.invalid("tools", "must be a list of objects") }
        guard value["type"]?.equals("function") ?? true, let inner = value["function"] else { return ChatTool(.other(value)) }
        guard let name = ChatText(inner["name"]) else { throw self.invalid("tools[].function.name", "is missing") }
        var function = ChatFunction(name: name)
        for (key, value) in inner.members where !value.isNull {
            switch key.string ?? "" {
            case "name": continue
            case "description": function.description = ChatText(value)
            case "parameters": function.parameters = value
            case "strict": function.isStrict = value.bool
            case let other: function.extras.append(ChatExtra(other, value))
            }
        }
        var tool = ChatTool(.function(function))
        for (key, value) in value.members where !value.isNull {
            switch key.string ?? "" {
            case "type", "function": continue
            case "cache_control": tool.cacheControl = value
            case let other: tool.extras.append(ChatExtra(other, value))
            }
        }
        return tool
    }

    private static func toolChoice(_ value: JSONView) -> ChatToolChoice {
        if value.equals("auto") { return .auto }
        if value.equals("none") { return .none }
        if value.equals("required") { return .required }
        if value["type"]?.equals("function") == true, let name = ChatText(value["function"]?["name"]) { return .function(name) }
        return .other(value)
    }

    private static func responseFormat(_ value: JSONView) throws(ProviderFailure) -> ChatResponseFormat {
        guard let type = value["type"] else { throw self.invalid("response_format.type", "is missing") }
        if type.equals("text") { return .text }
        if type.equals("json_object") { return .json }
        guard type.equals("json_schema"), let inner = value["json_schema"] else { throw self.invalid("response_format.type", "must be text, json_object or json_schema") }
        return .schema(
            ChatSchema(name: ChatText(inner["name"]), description: ChatText(inner["description"]), schema: inner["schema"], isStrict: inner["strict"]?.bool))
    }

    // MARK: Values

    static func text(_ value: JSONView, _ name: String) throws(ProviderFailure) -> ChatText {
        guard let text = ChatText(value) else { throw self.invalid(name, "must be a text") }
        return text
    }

    static func number(_ value: JSONView, _ name: String) throws(ProviderFailure) -> ChatNumber {
        guard let number = ChatNumber(value) else { throw self.invalid(name, "must be a number") }
        return number
    }

    static func list(_ value: JSONView, _ name: String) throws(ProviderFailure) -> JSONView {
        guard value.kind == .array else { throw self.invalid(name, "must be a list") }
        return value
    }

    static func invalid(_ name: String, _ problem: String) -> ProviderFailure {
        ProviderFailure("invalid_request_body", status: 400, message: "\"\(name)\" \(problem)", parameter: name)
    }
}
