import GatewayWire
import NIOCore

/// Reads a request of Cohere's chat API, version 2, into the canonical model. Its messages are OpenAI's but for thoughts, plans and documents.
enum CohereRequestDecoder {
    static func decode(_ root: JSONView) throws(ProviderFailure) -> ChatRequest {
        var request = ChatRequest(origin: .cohere)
        var areToolsStrict = false
        for (key, value) in root.members {
            let key = key.string ?? ""
            if value.isNull { continue }
            switch key {
            case "model": request.model = try OpenAIRequestDecoder.text(value, key)
            case "messages": for message in try OpenAIRequestDecoder.list(value, key).elements { request.messages.append(try self.message(message)) }
            case "tools": for tool in try OpenAIRequestDecoder.list(value, key).elements { request.tools.append(try OpenAIRequestDecoder.tool(tool)) }
            case "strict_tools": areToolsStrict = value.bool ?? false
            case "tool_choice": request.toolChoice = value.equals("REQUIRED") ? .required : value.equals("NONE") ? ChatToolChoice.none : .other(value)
            case "response_format": request.responseFormat = try self.responseFormat(value)
            case "max_tokens": request.maximumTokens = try OpenAIRequestDecoder.number(value, key)
            case "stop_sequences": request.stop = try OpenAIRequestDecoder.list(value, key).elements.compactMap { ChatText($0) }
            case "temperature": request.temperature = try OpenAIRequestDecoder.number(value, key)
            case "p": request.topP = try OpenAIRequestDecoder.number(value, key)
            case "k": request.topK = try OpenAIRequestDecoder.number(value, key)
            case "seed": request.seed = try OpenAIRequestDecoder.number(value, key)
            case "frequency_penalty": request.frequencyPenalty = try OpenAIRequestDecoder.number(value, key)
            case "presence_penalty": request.presencePenalty = try OpenAIRequestDecoder.number(value, key)
            // The answer has no place for probabilities of another vendor's tokens.
            case "logprobs": if value.bool == true { request.extras.append(ChatExtra(key, value)) }
            case "thinking": request.reasoning = self.reasoning(value)
            case "stream": request.stream = value.bool
            default: request.extras.append(ChatExtra(key, value))
            }
        }
        guard !request.messages.isEmpty else { throw OpenAIRequestDecoder.invalid("messages", "must be a list of at least one message") }
        if areToolsStrict { for index in request.tools.indices { request.tools[index].makeStrict() } }
        // A stream of this API always tells the usage.
        request.includesUsage = request.stream
        return request
    }

    private static func message(_ value: JSONView) throws(ProviderFailure) -> ChatMessage {
        var message = try OpenAIMessageDecoder.message(value)
        message.parts = message.parts.map { self.part($0) }
        var extras: [ChatExtra] = []
        for extra in message.extras {
            switch extra.key {
            case "tool_plan": if let plan = ChatText(extra.value), !plan.isEmpty { message.parts.insert(ChatPart(.reasoning(plan)), at: 0) }
            // Of an answer that is sent back: nothing a model has to be told again.
            case "citations": continue
            default: extras.append(extra)
            }
        }
        message.extras = extras
        return message
    }

    /// Parts that only this format has.
    private static func part(_ part: ChatPart) -> ChatPart {
        switch part.content {
        case .toolResult(var result):
            result.parts = result.parts.map { self.part($0) }
            return ChatPart(.toolResult(result))
        case .other(let view):
            if let thought = ChatText(view["thinking"]) { return ChatPart(.reasoning(thought)) }
            // A document is an object of any members; its JSON is what a model of another vendor can read.
            if let data = view["document"]?["data"] { return ChatPart(.text(ChatText(plain: data.raw))) }
            return part
        default: return part
        }
    }

    private static func responseFormat(_ value: JSONView) throws(ProviderFailure) -> ChatResponseFormat {
        guard let type = value["type"] else { throw OpenAIRequestDecoder.invalid("response_format.type", "is missing") }
        if type.equals("text") { return .text }
        guard type.equals("json_object") else { throw OpenAIRequestDecoder.invalid("response_format.type", "must be text or json_object") }
        guard let schema = value["json_schema"] ?? value["schema"], schema.kind == .object else { return .json }
        return .schema(ChatSchema(schema: schema, isStrict: true))
    }

    private static func reasoning(_ value: JSONView) -> ChatReasoning {
        var reasoning = ChatReasoning()
        reasoning.isDisabled = value["type"]?.equals("disabled") == true
        reasoning.budget = ChatNumber(value["token_budget"])
        reasoning.isAdaptive = !reasoning.isDisabled && reasoning.budget == nil
        reasoning.includesThoughts = reasoning.isDisabled ? nil : true
        return reasoning
    }
}

extension ChatTool {
    fileprivate mutating func makeStrict() {
        guard case .function(var function) = self.kind else { return }
        function.isStrict = true
        self.kind = .function(function)
    }
}
