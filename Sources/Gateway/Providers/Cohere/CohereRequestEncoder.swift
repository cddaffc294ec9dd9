import GatewayCore
import GatewayWire
import NIOCore

/// Writes a canonical request as Cohere's chat API wants it (https://docs.cohere.com/reference/chat).
enum CohereRequestEncoder {
    static func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 2_048)
        writer.beginObject()
        writer.key("model")
        writer.string(encoding.model)
        writer.key("messages")
        writer.beginArray()
        for message in request.messages { try self.message(message, &writer, &encoding) }
        writer.endArray()
        writer.member("stream", encoding.isStream)
        try self.tools(request, &writer, &encoding)
        try self.sampling(request, &writer, &encoding)
        try self.format(request, &writer, &encoding)
        try self.rest(request, &writer, &encoding)
        writer.endObject()
        return writer.buffer
    }

    // MARK: Messages

    private static func message(_ message: ChatMessage, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        try encoding.drop("messages[].name", if: message.name != nil)
        try encoding.drop(message.extras, in: "messages[].")
        // Each result of a tool is a message.
        for part in message.parts {
            if case .toolResult(let result) = part.content { try self.toolResult(result, &writer, &encoding) }
        }
        var content: [ChatPart] = []
        var calls: [ChatToolCall] = []
        for part in message.parts {
            try encoding.drop("messages[].content[].cache_control", if: part.cacheControl != nil)
            try encoding.drop(part.extras, in: "messages[].content[].")
            switch part.content {
            case .toolResult: continue
            case .toolCall(let call): calls.append(call)
            case .text(let text) where text.isEmpty: continue
            case .redactedReasoning: try encoding.drop("messages[].redacted_thinking")
            default: content.append(part)
            }
        }
        guard !content.isEmpty || !calls.isEmpty else { return }
        writer.beginObject()
        switch message.role {
        case .system, .developer: writer.member("role", text: "system")
        case .user, .tool: writer.member("role", text: "user")
        case .assistant: writer.member("role", text: "assistant")
        }
        try self.content(content, &writer, &encoding)
        if !calls.isEmpty {
            writer.key("tool_calls")
            writer.beginArray()
            for call in calls { self.toolCall(call, &writer) }
            writer.endArray()
        }
        writer.endObject()
    }

    private static func content(_ parts: [ChatPart], _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard !parts.isEmpty else { return }
        writer.key("content")
        if parts.count == 1, case .text(let text) = parts[0].content { return writer.string(text) }
        writer.beginArray()
        for part in parts {
            switch part.content {
            case .text(let text), .refusal(let text):
                writer.beginObject()
                writer.member("type", text: "text")
                writer.member("text", text)
                writer.endObject()
            case .reasoning(let text):
                writer.beginObject()
                writer.member("type", text: "thinking")
                writer.member("thinking", text)
                writer.endObject()
            case .media(let media): try self.media(media, &writer, &encoding)
            case .other(let view): try encoding.drop(unknown: view, in: "messages[].content[]")
            case .toolCall, .toolResult, .redactedReasoning: continue
            }
        }
        writer.endArray()
    }

    private static func media(_ media: ChatMedia, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard media.kind == .image else { return try encoding.drop("messages[].content[] that is neither text nor image") }
        let url: ChatText
        switch media.source {
        case .url(let address): url = address
        case .base64(let data):
            var text = ByteBuffer(string: "data:\(media.mediaType?.string ?? "image/png");base64,")
            text.writeImmutableBuffer(data.plain)
            url = ChatText(plain: text)
        case .text, .file: return try encoding.drop("messages[].content[].image_url by file id")
        }
        writer.beginObject()
        writer.member("type", text: "image_url")
        writer.key("image_url")
        writer.beginObject()
        writer.member("url", url)
        writer.member("detail", media.detail)
        writer.endObject()
        writer.endObject()
    }

    private static func toolCall(_ call: ChatToolCall, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", call.id ?? call.name)
        writer.member("type", text: "function")
        writer.key("function")
        writer.beginObject()
        writer.member("name", call.name)
        writer.key("arguments")
        writer.stringified(call.arguments)
        writer.endObject()
        writer.endObject()
    }

    private static func toolResult(_ result: ChatToolResult, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard let id = result.callID ?? result.name else {
            throw ProviderFailure("missing_tool_call_id", status: 400, message: "\"messages[].tool_call_id\" is missing", parameter: "messages[].tool_call_id")
        }
        writer.beginObject()
        writer.member("role", text: "tool")
        writer.member("tool_call_id", id)
        writer.key("content")
        if let json = result.json {
            writer.string(json.raw)
        } else if result.parts.count == 1, case .text(let text) = result.parts[0].content {
            writer.string(text)
        } else {
            writer.beginArray()
            for part in result.parts {
                guard case .text(let text) = part.content else {
                    try encoding.drop("messages[].content[] of a tool that is no text")
                    continue
                }
                writer.beginObject()
                writer.member("type", text: "text")
                writer.member("text", text)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
    }

    // MARK: Tools

    private static func tools(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard !request.tools.isEmpty else { return }
        var isStrict = false
        writer.key("tools")
        writer.beginArray()
        for tool in request.tools {
            guard case .function(let function) = tool.kind else {
                try encoding.drop("tools[] that is no function")
                continue
            }
            if function.isStrict == true { isStrict = true }
            writer.beginObject()
            writer.member("type", text: "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", function.name)
            writer.member("description", function.description)
            writer.key("parameters")
            if let parameters = function.parameters {
                writer.raw(parameters)
            } else {
                writer.beginObject()
                writer.member("type", text: "object")
                writer.endObject()
            }
            writer.endObject()
            writer.endObject()
            try encoding.drop("tools[].cache_control", if: tool.cacheControl != nil)
            try encoding.drop(function.extras, in: "tools[].function.")
            try encoding.drop(tool.extras, in: "tools[].")
        }
        writer.endArray()
        writer.member("strict_tools", isStrict ? true : nil)
        switch request.toolChoice {
        case .required: writer.member("tool_choice", text: "REQUIRED")
        case .some(.none): writer.member("tool_choice", text: "NONE")
        case .function, .other: try encoding.drop("tool_choice")
        case .auto, nil: break
        }
        try encoding.drop("parallel_tool_calls", if: request.allowsParallelToolCalls == false)
    }

    // MARK: Sampling

    private static func sampling(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.member("max_tokens", request.maximumTokens)
        writer.member("temperature", request.temperature)
        writer.member("p", request.topP)
        writer.member("k", request.topK)
        writer.member("seed", request.seed)
        for (name, value) in [("frequency_penalty" as StaticString, request.frequencyPenalty), ("presence_penalty", request.presencePenalty)] {
            // OpenAI's range is -2 to 2, Cohere's 0 to 1.
            guard let value, let number = value.double else { continue }
            if number < 0 || number > 1 { try encoding.drop("\(name) outside 0 to 1") }
            writer.member(name, number < 0 ? ChatNumber(0) : number > 1 ? ChatNumber(1) : value)
        }
        // Whole answers of OpenAI's format alone have a place for them.
        if request.origin == .openai, !encoding.isStream { writer.member("logprobs", request.logprobs) } else { try encoding.drop("logprobs", if: request.logprobs == true) }
        try encoding.drop("top_logprobs", if: request.topLogprobs != nil)
        let stops = request.stop.filter { !$0.isEmpty }
        if stops.count > 5 { try encoding.drop("stop with more than 5 texts") }
        guard !stops.isEmpty else { return }
        writer.key("stop_sequences")
        writer.beginArray()
        for stop in stops.prefix(5) { writer.string(stop) }
        writer.endArray()
    }

    private static func format(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        switch request.responseFormat {
        case .json, .schema:
            writer.key("response_format")
            writer.beginObject()
            writer.member("type", text: "json_object")
            if case .schema(let wanted) = request.responseFormat { writer.member("json_schema", wanted.schema) }
            writer.endObject()
        case .text, nil: break
        }
        guard let reasoning = request.reasoning else { return }
        if reasoning.isDisabled || reasoning.effort?.equals("none") == true {
            writer.key("thinking")
            writer.beginObject()
            writer.member("type", text: "disabled")
            writer.endObject()
        } else if let budget = reasoning.budgetTokens, budget > 0 {
            writer.key("thinking")
            writer.beginObject()
            writer.member("type", text: "enabled")
            writer.member("token_budget", budget)
            writer.endObject()
        }
    }

    /// Members no other format has, which clients of every format may send under Cohere's names.
    private static let ownMembers = ["documents", "citation_options", "safety_mode", "priority"]

    private static func rest(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        for extra in request.extras {
            if self.ownMembers.contains(extra.key) {
                writer.key(extra.key)
                writer.raw(extra.value)
            } else {
                try encoding.drop([extra])
            }
        }
        if let count = request.choiceCount?.int, count != 1 { try encoding.drop("n") }
        try encoding.drop("cache_control", if: request.cacheControl != nil)
        try encoding.drop("logit_bias", if: request.logitBias != nil)
        try encoding.drop("user", if: request.user != nil)
        try encoding.drop("metadata", if: request.metadata != nil && request.user == nil)
        try encoding.drop("service_tier", if: request.serviceTier.map { !$0.equals("auto") && !$0.equals("default") } ?? false)
        try encoding.drop("modalities", if: request.modalities.contains { !$0.equals("text") && !$0.equals("TEXT") })
        try encoding.drop("audio", if: request.audioOutput != nil)
        try encoding.drop("safety_settings", if: request.safetySettings != nil)
    }
}
