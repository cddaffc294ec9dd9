import GatewayWire

/// Reads a `generateContent` request into the canonical model. Names come in camel case from the SDKs, in snake case from whoever follows the protobuf definition.
enum GeminiRequestDecoder {
    static func decode(_ root: JSONView) throws(ProviderFailure) -> ChatRequest {
        var request = ChatRequest(origin: .gemini)
        var calls = CallIDs()
        var allowed: [ChatText] = []
        for (key, value) in root.members {
            let key = key.string ?? ""
            if value.isNull { continue }
            switch key {
            case "contents":
                let contents = value.kind == .array ? Array(value.elements) : [value]
                for content in contents { request.messages.append(contentsOf: try self.messages(content, &calls, &request.extras)) }
            case "systemInstruction", "system_instruction": request.messages.insert(self.system(value, &request.extras), at: 0)
            case "tools": for tool in value.elements { self.tools(tool, &request) }
            case "toolConfig", "tool_config": allowed = self.toolConfiguration(value, &request)
            case "generationConfig", "generation_config": try self.configuration(value, &request)
            case "safetySettings", "safety_settings": request.safetySettings = value
            case "model", "stream": continue
            default: request.extras.append(ChatExtra(key, value))
            }
        }
        try self.keep(allowed, &request)
        request.includesUsage = true
        return request
    }

    private static func system(_ value: JSONView, _ extras: inout [ChatExtra]) -> ChatMessage {
        if let text = ChatText(value) {
            var message = ChatMessage(.system, [ChatPart(.text(text))])
            message.isPlain = true
            return message
        }
        var message = ChatMessage(.system)
        for part in self.parts(value) {
            if let text = ChatText(part["text"]) {
                message.parts.append(ChatPart(.text(text)))
            } else {
                self.keep(part, except: [], in: "systemInstruction.parts[].", &extras)
            }
        }
        return message
    }

    /// One part may stand without a list around it.
    private static func parts(_ value: JSONView) -> [JSONView] { value["parts"].map { $0.kind == .array ? Array($0.elements) : [$0] } ?? [] }

    /// Members that the canonical model has no place for, under their whole path.
    private static func keep(_ value: JSONView, except known: [String], in path: String, _ extras: inout [ChatExtra]) {
        for (key, value) in value.members where !value.isNull {
            let key = key.string ?? ""
            if !known.contains(key) { extras.append(ChatExtra(path + key, value)) }
        }
    }

    // MARK: Contents

    private static func messages(_ value: JSONView, _ calls: inout CallIDs, _ extras: inout [ChatExtra]) throws(ProviderFailure) -> [ChatMessage] {
        if let text = ChatText(value) { return [ChatMessage(.user, [ChatPart(.text(text))])] }
        guard value.kind == .object else { throw OpenAIRequestDecoder.invalid("contents", "must be a list of contents") }
        self.keep(value, except: ["role", "parts"], in: "contents[].", &extras)
        let isModel = value["role"].map { $0.equals("model") } ?? false
        var messages: [ChatMessage] = []
        for element in self.parts(value) {
            let part = try self.part(element, &calls, &extras)
            var role: ChatRole = isModel ? .assistant : .user
            if case .toolResult = part.content { role = .tool }
            if role != .tool, let last = messages.indices.last, messages[last].role == role {
                messages[last].parts.append(part)
            } else {
                messages.append(ChatMessage(role, [part]))
            }
        }
        return messages
    }

    private static func part(_ value: JSONView, _ calls: inout CallIDs, _ extras: inout [ChatExtra]) throws(ProviderFailure) -> ChatPart {
        guard value.kind == .object else { throw OpenAIRequestDecoder.invalid("contents[].parts", "must be a list of parts") }
        var part = ChatPart(self.content(value, &calls, &extras))
        part.signature = ChatText(value["thoughtSignature"] ?? value["thought_signature"])
        // What is kept whole is named as a whole.
        if case .other = part.content { return part }
        self.keep(value, except: self.partMembers, in: self.partPath, &extras)
        return part
    }

    private static let partPath = "contents[].parts[]."
    /// Members of a part that ``content(_:_:_:)`` reads: of the others (`videoMetadata`, `mediaResolution`, …) the canonical model knows nothing.
    private static let partMembers = [
        "text", "thought", "thoughtSignature", "thought_signature", "functionCall", "function_call", "functionResponse", "function_response", "inlineData", "inline_data", "fileData",
        "file_data",
    ]

    private static func content(_ value: JSONView, _ calls: inout CallIDs, _ extras: inout [ChatExtra]) -> ChatContent {
        if let text = ChatText(value["text"]) { return value["thought"]?.bool == true ? .reasoning(text) : .text(text) }
        if let call = value["functionCall"] ?? value["function_call"], let name = ChatText(call["name"]) {
            let id = calls.call(name, ChatText(call["id"]))
            self.keep(call, except: ["id", "name", "args"], in: self.partPath + "functionCall.", &extras)
            return .toolCall(ChatToolCall(id: id, name: name, arguments: call["args"].map { .json($0) } ?? .text(ChatText("{}" as StaticString))))
        }
        if let response = value["functionResponse"] ?? value["function_response"], let name = ChatText(response["name"]) {
            let paired = calls.result(name)
            self.keep(response, except: ["id", "name", "response"], in: self.partPath + "functionResponse.", &extras)
            return .toolResult(self.result(ChatToolResult(callID: ChatText(response["id"]) ?? paired, name: name, parts: []), response["response"]))
        }
        if let data = value["inlineData"] ?? value["inline_data"], let content = ChatText(data["data"]) {
            let type = ChatText(data["mimeType"] ?? data["mime_type"])
            self.keep(data, except: ["data", "mimeType", "mime_type"], in: self.partPath + "inlineData.", &extras)
            return .media(ChatMedia(self.kind(type), .base64(content), mediaType: type))
        }
        if let file = value["fileData"] ?? value["file_data"], let uri = ChatText(file["fileUri"] ?? file["file_uri"]) {
            let type = ChatText(file["mimeType"] ?? file["mime_type"])
            self.keep(file, except: ["fileUri", "file_uri", "mimeType", "mime_type"], in: self.partPath + "fileData.", &extras)
            return .media(ChatMedia(self.kind(type), .url(uri), mediaType: type))
        }
        return .other(value)
    }

    /// A result that is one text under the names the API's reference recommends is that text: other formats have it so.
    private static func result(_ result: ChatToolResult, _ response: JSONView?) -> ChatToolResult {
        var result = result
        var members = response?.members
        if let first = members?.next(), members?.next() == nil, let text = ChatText(first.value), let name = first.key.string, ["output", "result", "error"].contains(name) {
            result.parts = [ChatPart(.text(text))]
            result.isPlain = true
            if name == "error" { result.isError = true }
        } else {
            result.json = response
        }
        return result
    }

    private static func kind(_ type: ChatText?) -> ChatMedia.Kind {
        guard let type else { return .image }
        if type.hasPrefix("image/") { return .image }
        if type.hasPrefix("audio/") { return .audio }
        return type.hasPrefix("video/") ? .video : .document
    }

    // MARK: Tools

    private static func tools(_ value: JSONView, _ request: inout ChatRequest) {
        guard let declarations = value["functionDeclarations"] ?? value["function_declarations"] else {
            request.tools.append(ChatTool(.other(value)))
            return
        }
        // One object may declare functions and ask for Google's own tools too.
        self.keep(value, except: ["functionDeclarations", "function_declarations"], in: "tools[].", &request.extras)
        for declaration in declarations.elements {
            guard let name = ChatText(declaration["name"]) else { continue }
            // What an answer of the function looks like (`response`), and when it is waited for (`behavior`), no other format asks.
            self.keep(
                declaration, except: ["name", "description", "parameters", "parametersJsonSchema", "parameters_json_schema"], in: "tools[].functionDeclarations[].", &request.extras)
            let schema = declaration["parametersJsonSchema"] ?? declaration["parameters_json_schema"] ?? declaration["parameters"]
            request.tools.append(ChatTool(.function(ChatFunction(name: name, description: ChatText(declaration["description"]), parameters: schema.map { SchemaSpelling.lowered($0) }))))
        }
    }

    /// - Returns: the only functions that may be called, where not all may.
    private static func toolConfiguration(_ value: JSONView, _ request: inout ChatRequest) -> [ChatText] {
        self.keep(value, except: ["functionCallingConfig", "function_calling_config"], in: "toolConfig.", &request.extras)
        guard let calling = value["functionCallingConfig"] ?? value["function_calling_config"], let mode = calling["mode"]?.string else { return [] }
        self.keep(calling, except: ["mode", "allowedFunctionNames", "allowed_function_names"], in: "toolConfig.functionCallingConfig.", &request.extras)
        let allowed = (calling["allowedFunctionNames"] ?? calling["allowed_function_names"])?.elements.compactMap { ChatText($0) } ?? []
        switch mode.uppercased() {
        case "NONE": request.toolChoice = ChatToolChoice.none
        case "ANY":
            request.toolChoice = allowed.count == 1 ? .function(allowed[0]) : .required
            return allowed.count == 1 ? [] : allowed
        case "VALIDATED":
            // Arguments follow their schema, but the model may answer with a text as well.
            request.toolChoice = .auto
            return allowed
        case "AUTO": request.toolChoice = .auto
        default: break
        }
        return []
    }

    /// No other format has a list of allowed functions: those outside it are not offered.
    private static func keep(_ allowed: [ChatText], _ request: inout ChatRequest) throws(ProviderFailure) {
        guard !allowed.isEmpty else { return }
        let names = Set(allowed.map(\.plain))
        var isDeclared = false
        request.tools.removeAll { tool in
            guard case .function(let function) = tool.kind else { return false }
            let isAllowed = names.contains(function.name.plain)
            if isAllowed { isDeclared = true }
            return !isAllowed
        }
        guard isDeclared else { throw OpenAIRequestDecoder.invalid("toolConfig.functionCallingConfig.allowedFunctionNames", "names no declared function") }
    }

    // MARK: generationConfig

    private static func configuration(_ value: JSONView, _ request: inout ChatRequest) throws(ProviderFailure) {
        var isJSON = false
        var schema: JSONView?
        for (key, value) in value.members where !value.isNull {
            let key = key.string ?? ""
            switch key {
            case "maxOutputTokens", "max_output_tokens":
                request.maximumTokens = try OpenAIRequestDecoder.number(value, key)
                request.limitCountsReasoning = true
            case "temperature": request.temperature = try OpenAIRequestDecoder.number(value, key)
            case "topP", "top_p": request.topP = try OpenAIRequestDecoder.number(value, key)
            case "topK", "top_k": request.topK = try OpenAIRequestDecoder.number(value, key)
            case "candidateCount", "candidate_count": request.choiceCount = try OpenAIRequestDecoder.number(value, key)
            case "seed": request.seed = try OpenAIRequestDecoder.number(value, key)
            case "presencePenalty", "presence_penalty": request.presencePenalty = try OpenAIRequestDecoder.number(value, key)
            case "frequencyPenalty", "frequency_penalty": request.frequencyPenalty = try OpenAIRequestDecoder.number(value, key)
            case "responseLogprobs", "response_logprobs": request.logprobs = value.bool
            case "logprobs": request.topLogprobs = ChatNumber(value)
            case "stopSequences", "stop_sequences": request.stop = value.elements.compactMap { ChatText($0) }
            case "responseMimeType", "response_mime_type": isJSON = value.equals("application/json")
            case "responseJsonSchema", "response_json_schema", "responseSchema", "response_schema": schema = SchemaSpelling.lowered(value)
            case "responseModalities", "response_modalities": request.modalities = value.elements.compactMap { ChatText($0) }
            case "thinkingConfig", "thinking_config": self.thinking(value, &request)
            default: request.extras.append(ChatExtra("generationConfig.\(key)", value))
            }
        }
        if let schema { request.responseFormat = .schema(ChatSchema(schema: schema)) } else if isJSON { request.responseFormat = .json }
    }

    private static func thinking(_ value: JSONView, _ request: inout ChatRequest) {
        var reasoning = ChatReasoning()
        reasoning.budget = ChatNumber(value["thinkingBudget"] ?? value["thinking_budget"])
        if let level = (value["thinkingLevel"] ?? value["thinking_level"])?.string { reasoning.effort = ChatText(level.lowercased()) }
        if reasoning.budget?.int == 0 { reasoning.isDisabled = true }
        if reasoning.budget?.int == -1 {
            reasoning.budget = nil
            reasoning.isAdaptive = true
        }
        reasoning.includesThoughts = (value["includeThoughts"] ?? value["include_thoughts"])?.bool
        request.reasoning = reasoning
        self.keep(
            value, except: ["thinkingBudget", "thinking_budget", "thinkingLevel", "thinking_level", "includeThoughts", "include_thoughts"],
            in: "generationConfig.thinkingConfig.", &request.extras)
    }
}

/// Gemini's schemas follow OpenAPI 3.0 with types in capitals (`STRING`); JSON Schema has them small.
enum SchemaSpelling {
    private static let types = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"]

    /// The schema with its types in small letters; the same view where they are already.
    static func lowered(_ schema: JSONView) -> JSONView {
        guard self.hasCapitals(schema), let value = JSONValue(schema) else { return schema }
        let bytes = self.lowered(value).encoded()
        guard let root = try? JSONScanner.scan(bytes).root else { return schema }
        return JSONView(bytes, root)
    }

    private static func hasCapitals(_ schema: JSONView) -> Bool {
        if let type = schema["type"]?.string, self.types.contains(type) { return true }
        for (_, value) in schema.members where value.kind == .object && self.hasCapitals(value) { return true }
        return false
    }

    private static func lowered(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            return .object(
                members.map { member in
                    if member.key == "type", let type = member.value.stringValue, self.types.contains(type) { return JSONValue.Member(key: "type", value: .string(type.lowercased())) }
                    return JSONValue.Member(key: member.key, value: self.lowered(member.value))
                })
        case .array(let elements): return .array(elements.map { self.lowered($0) })
        default: return value
        }
    }
}
