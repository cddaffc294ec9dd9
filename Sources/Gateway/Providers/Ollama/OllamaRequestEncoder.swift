import GatewayCore
import GatewayWire
import NIOCore

/// Writes a canonical request as Ollama's `/api/chat` wants it.
enum OllamaRequestEncoder {
    static func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 2_048)
        writer.beginObject()
        writer.key("model")
        writer.string(encoding.model)
        // Without it the API streams.
        writer.member("stream", encoding.isStream)
        writer.key("messages")
        writer.beginArray()
        // Ollama tells results apart by name.
        var names = CallNames()
        for message in request.messages { try self.message(message, &names, &writer, &encoding) }
        writer.endArray()
        try self.tools(request, &writer, &encoding)
        try self.options(request, &writer, &encoding)
        switch request.responseFormat {
        case .json: writer.member("format", text: "json")
        case .schema(let wanted): writer.member("format", wanted.schema)
        case .text, nil: break
        }
        self.thinking(request.reasoning, &writer)
        try self.rest(request, &writer, &encoding)
        writer.endObject()
        return writer.buffer
    }

    // MARK: Messages

    private static func message(
        _ message: ChatMessage, _ names: inout CallNames, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        try encoding.drop("messages[].name", if: message.name != nil)
        try encoding.drop(message.extras, in: "messages[].")
        var texts: [ChatText] = []
        var thoughts: [ChatText] = []
        var images: [ChatText] = []
        var calls: [ChatToolCall] = []
        for part in message.parts {
            try encoding.drop("messages[].content[].cache_control", if: part.cacheControl != nil)
            try encoding.drop(part.extras, in: "messages[].content[].")
            switch part.content {
            case .text(let text), .refusal(let text): texts.append(text)
            case .reasoning(let text): thoughts.append(text)
            case .toolCall(let call):
                calls.append(call)
                names.add(call)
            case .toolResult(let result): try self.toolResult(result, names, &writer, &encoding)
            case .media(let media):
                guard media.kind == .image, case .base64(let data) = media.source else {
                    if case .url = media.source, media.kind == .image {
                        throw ProviderFailure(
                            "media_url_unsupported", status: 400, message: "\"messages[].content[].image_url\" must be a data URL: the provider of this model fetches none",
                            parameter: "messages[].content[].image_url")
                    }
                    try encoding.drop("messages[].content[] that is neither text nor image")
                    continue
                }
                images.append(data)
            case .redactedReasoning: try encoding.drop("messages[].redacted_thinking")
            case .other(let view): try encoding.drop(unknown: view, in: "messages[].content[]")
            }
        }
        guard !texts.isEmpty || !images.isEmpty || !calls.isEmpty || !thoughts.isEmpty else { return }
        writer.beginObject()
        switch message.role {
        case .system, .developer: writer.member("role", text: "system")
        case .user, .tool: writer.member("role", text: "user")
        case .assistant: writer.member("role", text: "assistant")
        }
        self.joined("content", texts, &writer)
        if !thoughts.isEmpty { self.joined("thinking", thoughts, &writer) }
        if !images.isEmpty {
            writer.key("images")
            writer.beginArray()
            for image in images { writer.string(image) }
            writer.endArray()
        }
        if !calls.isEmpty { try self.toolCalls(calls, &writer) }
        writer.endObject()
    }

    /// Texts as one, by lines.
    private static func joined(_ name: StaticString, _ texts: [ChatText], _ writer: inout JSONWriter) {
        writer.key(name)
        writer.beginString()
        for (index, text) in texts.enumerated() {
            if index > 0 { writer.piece("\n") }
            writer.piece(text)
        }
        writer.endString()
    }

    private static func toolCalls(_ calls: [ChatToolCall], _ writer: inout JSONWriter) throws(ProviderFailure) {
        writer.key("tool_calls")
        writer.beginArray()
        for call in calls {
            writer.beginObject()
            writer.member("id", call.id)
            writer.key("function")
            writer.beginObject()
            writer.member("name", call.name)
            writer.key("arguments")
            guard writer.object(call.arguments) else {
                throw ProviderFailure(
                    "invalid_tool_arguments", status: 400, message: "\"messages[].tool_calls[].function.arguments\" is not a JSON object",
                    parameter: "messages[].tool_calls[].function.arguments")
            }
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    private static func toolResult(
        _ result: ChatToolResult, _ names: CallNames, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        writer.beginObject()
        writer.member("role", text: "tool")
        writer.member("tool_name", result.name ?? names.name(result.callID))
        writer.member("tool_call_id", result.callID)
        if let json = result.json {
            writer.key("content")
            writer.string(json.raw)
        } else {
            var texts: [ChatText] = []
            for part in result.parts { if case .text(let text) = part.content { texts.append(text) } else { try encoding.drop("messages[].content[] of a tool that is no text") } }
            self.joined("content", texts, &writer)
        }
        writer.endObject()
    }

    // MARK: Tools and options

    private static func tools(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        if case .some(.none) = request.toolChoice { return }
        guard !request.tools.isEmpty else { return }
        writer.key("tools")
        writer.beginArray()
        for tool in request.tools {
            guard case .function(let function) = tool.kind else {
                try encoding.drop("tools[] that is no function")
                continue
            }
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
            try encoding.drop("tools[].function.strict", if: function.isStrict == true)
            try encoding.drop("tools[].cache_control", if: tool.cacheControl != nil)
            try encoding.drop(function.extras, in: "tools[].function.")
            try encoding.drop(tool.extras, in: "tools[].")
        }
        writer.endArray()
        switch request.toolChoice {
        case .required, .function, .other: try encoding.drop("tool_choice")
        case .auto, .some(.none), nil: break
        }
        try encoding.drop("parallel_tool_calls", if: request.allowsParallelToolCalls == false)
    }

    private static func options(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var options = JSONWriter()
        options.beginObject()
        if let own = request.extras.first(where: { $0.key == "options" })?.value, own.kind == .object {
            for (key, value) in own.members {
                options.key(key.string ?? "")
                options.raw(value)
            }
        }
        options.member("num_predict", request.maximumTokens)
        options.member("temperature", request.temperature)
        options.member("top_p", request.topP)
        options.member("top_k", request.topK)
        options.member("seed", request.seed)
        options.member("frequency_penalty", request.frequencyPenalty)
        options.member("presence_penalty", request.presencePenalty)
        if !request.stop.isEmpty {
            options.key("stop")
            options.beginArray()
            for stop in request.stop { options.string(stop) }
            options.endArray()
        }
        options.endObject()
        guard options.buffer.readableBytes > 2 else { return }
        writer.key("options")
        writer.raw(options.buffer)
    }

    private static func thinking(_ reasoning: ChatReasoning?, _ writer: inout JSONWriter) {
        guard let reasoning else { return }
        if reasoning.isDisabled || reasoning.effort?.equals("none") == true { return writer.member("think", false) }
        if let effort = reasoning.effort, effort.equals("low") || effort.equals("medium") || effort.equals("high") { return writer.member("think", effort) }
        writer.member("think", true)
    }

    private static func rest(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        for extra in request.extras {
            switch extra.key {
            case "options": continue
            case "keep_alive", "truncate", "shift":
                writer.key(extra.key)
                writer.raw(extra.value)
            default: try encoding.drop([extra])
            }
        }
        if request.origin == .openai, !encoding.isStream {
            writer.member("logprobs", request.logprobs)
            writer.member("top_logprobs", request.topLogprobs)
        } else {
            // Whole answers of OpenAI's format alone have a place for them.
            try encoding.drop("logprobs", if: request.logprobs == true)
            try encoding.drop("top_logprobs", if: request.topLogprobs != nil)
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
