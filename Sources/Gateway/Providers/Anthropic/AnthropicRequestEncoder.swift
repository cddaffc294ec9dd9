import GatewayCore
import GatewayWire
import NIOCore

/// Writes a canonical request as Anthropic's Messages API wants it.
struct AnthropicRequestEncoder {
    /// - Parameter bodyVersion: `anthropic_version` of servers that have the model in the path and the version in the body; nil: the API itself, which has them the other way.
    static func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding, bodyVersion: String? = nil) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 2_048)
        writer.beginObject()
        writer.key(bodyVersion == nil ? "model" : "anthropic_version")
        writer.string(bodyVersion ?? encoding.model)
        let thinking = try AnthropicThinking(request, &encoding)
        writer.member("max_tokens", request.maximumTokens ?? ChatNumber(thinking.defaultMaximum))
        try self.system(request.messages, &writer, &encoding)
        try AnthropicMessageEncoder.messages(request.messages, &writer, &encoding)
        try self.tools(request, &writer, &encoding)
        try self.sampling(request, thinking, &writer, &encoding)
        self.thinking(thinking.mode, &writer)
        try self.output(request.responseFormat, thinking.effort, &writer, &encoding)
        if encoding.isStream { writer.member("stream", true) }
        try self.identity(request, &writer, &encoding)
        writer.member("cache_control", request.cacheControl)
        try self.refuse(request, &encoding)
        writer.endObject()
        return writer.buffer
    }

    // MARK: System

    /// System texts, wherever they stand in the conversation: the API takes them beside it.
    private static func system(_ messages: [ChatMessage], _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var texts: [ChatPart] = []
        for message in messages where message.role == .system || message.role == .developer {
            for part in message.parts {
                guard case .text(let text) = part.content else {
                    try encoding.drop("messages[].content of \"system\" that is no text")
                    continue
                }
                if !text.isEmpty { texts.append(part) }
            }
        }
        guard !texts.isEmpty else { return }
        writer.key("system")
        if texts.count == 1, texts[0].cacheControl == nil, case .text(let text) = texts[0].content { return writer.string(text) }
        writer.beginArray()
        for part in texts {
            guard case .text(let text) = part.content else { continue }
            writer.beginObject()
            writer.member("type", text: "text")
            writer.member("text", text)
            writer.member("cache_control", part.cacheControl)
            writer.endObject()
        }
        writer.endArray()
    }

    // MARK: Tools

    private static func tools(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard !request.tools.isEmpty else { return }
        writer.key("tools")
        writer.beginArray()
        for tool in request.tools {
            switch tool.kind {
            case .function(let function):
                writer.beginObject()
                writer.member("name", function.name)
                writer.member("description", function.description)
                writer.key("input_schema")
                if let parameters = function.parameters {
                    writer.raw(parameters)
                } else {
                    writer.beginObject()
                    writer.member("type", text: "object")
                    writer.endObject()
                }
                writer.member("strict", function.isStrict == true ? true : nil)
                writer.member("cache_control", tool.cacheControl)
                writer.endObject()
                try encoding.drop(function.extras, in: "tools[].function.")
                try encoding.drop(tool.extras, in: "tools[].")
            case .other(let view):
                if request.origin == .anthropic { writer.raw(view) } else { try encoding.drop(unknown: view, in: "tools[]") }
            }
        }
        writer.endArray()
        try self.toolChoice(request, &writer, &encoding)
    }

    private static func toolChoice(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var choice = request.toolChoice
        if case .other = choice {
            try encoding.drop("tool_choice")
            choice = nil
        }
        let isSerial = request.allowsParallelToolCalls == false
        guard choice != nil || isSerial else { return }
        writer.key("tool_choice")
        writer.beginObject()
        var takesSerial = true
        switch choice ?? .auto {
        case .auto, .other: writer.member("type", text: "auto")
        case .required: writer.member("type", text: "any")
        case .none:
            writer.member("type", text: "none")
            takesSerial = false
        case .function(let name):
            writer.member("type", text: "tool")
            writer.member("name", name)
        }
        if isSerial, takesSerial { writer.member("disable_parallel_tool_use", true) }
        writer.endObject()
    }

    // MARK: Sampling

    private static func sampling(
        _ request: ChatRequest, _ thinking: AnthropicThinking, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        let sampling = try AnthropicSampling(request, isThinking: thinking.isOn, &encoding)
        writer.member("temperature", sampling.temperature)
        writer.member("top_p", sampling.topP)
        writer.member("top_k", sampling.topK)
        let stops = request.stop.filter { !$0.isEmpty }
        guard !stops.isEmpty else { return }
        writer.key("stop_sequences")
        writer.beginArray()
        for stop in stops { writer.string(stop) }
        writer.endArray()
    }

    private static func thinking(_ mode: AnthropicThinking.Mode, _ writer: inout JSONWriter) {
        guard mode != .unsaid else { return }
        writer.key("thinking")
        writer.beginObject()
        switch mode {
        case .disabled: writer.member("type", text: "disabled")
        case .adaptive: writer.member("type", text: "adaptive")
        case .budget(let tokens):
            writer.member("type", text: "enabled")
            writer.member("budget_tokens", tokens)
        case .unsaid: break
        }
        writer.endObject()
    }

    private static func output(_ format: ChatResponseFormat?, _ effort: ChatText?, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var schema: JSONView?
        switch format {
        case .json: try encoding.drop("response_format.type: json_object")
        case .schema(let wanted):
            schema = wanted.schema
            if schema == nil { try encoding.drop("response_format.json_schema without a schema") }
        case .text, nil: break
        }
        guard schema != nil || effort != nil else { return }
        writer.key("output_config")
        writer.beginObject()
        writer.member("effort", effort)
        if let schema {
            writer.key("format")
            writer.beginObject()
            writer.member("type", text: "json_schema")
            writer.member("schema", schema)
            writer.endObject()
        }
        writer.endObject()
    }

    // MARK: The rest

    private static func identity(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        let user = request.user ?? ChatText(request.metadata?["user_id"])
        if let user {
            writer.key("metadata")
            writer.beginObject()
            writer.member("user_id", user)
            writer.endObject()
        }
        if let metadata = request.metadata, metadata["user_id"] == nil || request.user != nil { try encoding.drop("metadata") }
        guard let tier = request.serviceTier else { return }
        if tier.equals("auto") {
            writer.member("service_tier", text: "auto")
        } else if tier.equals("default") || tier.equals("standard_only") {
            writer.member("service_tier", text: "standard_only")
        } else {
            try encoding.drop("service_tier")
        }
    }

    private static func refuse(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        if let count = request.choiceCount?.int, count != 1 { try encoding.drop("n") }
        try encoding.drop("seed", if: request.seed != nil)
        try encoding.drop("logprobs", if: request.logprobs == true)
        try encoding.drop("top_logprobs", if: request.topLogprobs != nil)
        try encoding.drop("logit_bias", if: request.logitBias != nil)
        try encoding.drop("frequency_penalty", if: request.frequencyPenalty.map { $0.double != 0 } ?? false)
        try encoding.drop("presence_penalty", if: request.presencePenalty.map { $0.double != 0 } ?? false)
        try encoding.drop("modalities", if: request.modalities.contains { !$0.equals("text") && !$0.equals("TEXT") })
        try encoding.drop("audio", if: request.audioOutput != nil)
        try encoding.drop("safety_settings", if: request.safetySettings != nil)
        try encoding.drop(request.extras)
    }
}
