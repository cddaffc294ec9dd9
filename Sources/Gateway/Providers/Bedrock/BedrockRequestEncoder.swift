import GatewayCore
import GatewayWire
import NIOCore

/// Writes a canonical request as Converse wants it (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
enum BedrockRequestEncoder {
    static func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 2_048)
        writer.beginObject()
        try self.system(request.messages, &writer, &encoding)
        try BedrockMessageEncoder.messages(request.messages, &writer, &encoding)
        let thinking = try self.thinking(request, &encoding)
        let sampling = try self.sampling(request, thinking, &encoding)
        try self.inference(request, thinking, sampling, &writer, &encoding)
        try self.tools(request, &writer, &encoding)
        try self.output(request, &writer, &encoding)
        try self.modelFields(request, thinking, topK: sampling.topK, &writer, &encoding)
        try self.rest(request, &writer, &encoding)
        writer.endObject()
        return writer.buffer
    }

    /// System texts, wherever they stand in the conversation: the API takes them beside it.
    private static func system(_ messages: [ChatMessage], _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var isOpen = false
        for message in messages where message.role == .system || message.role == .developer {
            for part in message.parts {
                if case .text(let text) = part.content, text.isEmpty { continue }
                if !isOpen {
                    writer.key("system")
                    writer.beginArray()
                    isOpen = true
                }
                switch part.content {
                case .text(let text):
                    writer.beginObject()
                    writer.member("text", text)
                    writer.endObject()
                case .other(let view) where view["guardContent"] != nil || view["cachePoint"] != nil: writer.raw(view)
                default: try encoding.drop("messages[].content of \"system\" that is no text")
                }
                self.cachePoint(part.cacheControl, &writer)
            }
        }
        if isOpen { writer.endArray() }
    }

    /// A mark behind what is to be cached (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html).
    static func cachePoint(_ cacheControl: JSONView?, _ writer: inout JSONWriter) {
        guard let cacheControl else { return }
        writer.beginObject()
        writer.key("cachePoint")
        writer.beginObject()
        writer.member("type", text: "default")
        writer.member("ttl", ChatText(cacheControl["ttl"]))
        writer.endObject()
        writer.endObject()
    }

    // MARK: Sampling

    /// What Converse gets of the request's sampling.
    private static func sampling(
        _ request: ChatRequest, _ thinking: AnthropicThinking?, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) -> (temperature: ChatNumber?, topP: ChatNumber?, topK: ChatNumber?) {
        if BedrockFamily(encoding.model) == .anthropic {
            let sampling = try AnthropicSampling(request, isThinking: thinking?.isOn ?? false, &encoding)
            return (sampling.temperature, sampling.topP, sampling.topK)
        }
        // Converse takes 0 to 1, OpenAI's clients give up to 2.
        let isTooHigh = request.temperature?.double ?? 0 > 1
        try encoding.drop("temperature above 1", if: isTooHigh)
        return (isTooHigh ? ChatNumber(1) : request.temperature, request.topP, request.topK)
    }

    private static func inference(
        _ request: ChatRequest, _ thinking: AnthropicThinking?, _ sampling: (temperature: ChatNumber?, topP: ChatNumber?, topK: ChatNumber?), _ writer: inout JSONWriter,
        _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        let stops = request.stop.filter { !$0.isEmpty }
        let isNova = BedrockFamily(encoding.model) == .nova
        // A budget has to be below the limit, which is the model's own where the request has none.
        var maximum = request.maximumTokens
        if maximum == nil, case .budget = thinking?.mode { maximum = thinking.map { ChatNumber($0.defaultMaximum) } }
        guard maximum != nil || sampling.temperature != nil || sampling.topP != nil || !stops.isEmpty else { return }
        writer.key("inferenceConfig")
        writer.beginObject()
        writer.member("maxTokens", maximum)
        writer.member("temperature", sampling.temperature)
        writer.member("topP", sampling.topP)
        // Four is what the models take, but for Amazon's own.
        if stops.count > 4, !isNova { try encoding.drop("stop with more than 4 texts") }
        if !stops.isEmpty {
            writer.key("stopSequences")
            writer.beginArray()
            for stop in isNova ? stops[...] : stops.prefix(4) { writer.string(stop) }
            writer.endArray()
        }
        writer.endObject()
    }

    // MARK: Tools

    private static func tools(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        // There is no "none" to choose: without tools none is called, but past calls in the conversation want their tools declared.
        if case .some(.none) = request.toolChoice, !request.messages.contains(where: { $0.role == .tool }) { return }
        guard !request.tools.isEmpty else { return }
        writer.key("toolConfig")
        writer.beginObject()
        writer.key("tools")
        writer.beginArray()
        for tool in request.tools {
            switch tool.kind {
            case .function(let function):
                try self.toolSpecification(function, &writer, &encoding)
                try encoding.drop(tool.extras, in: "tools[].")
            case .other(let view):
                if request.origin == .bedrock { writer.raw(view) } else { try encoding.drop(unknown: view, in: "tools[]") }
            }
            self.cachePoint(tool.cacheControl, &writer)
        }
        writer.endArray()
        try self.toolChoice(request.toolChoice, &writer, &encoding)
        writer.endObject()
        try encoding.drop("parallel_tool_calls", if: request.allowsParallelToolCalls == false)
    }

    private static func toolSpecification(_ function: ChatFunction, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.beginObject()
        writer.key("toolSpec")
        writer.beginObject()
        writer.member("name", function.name)
        if let description = function.description, !description.isEmpty { writer.member("description", description) }
        writer.key("inputSchema")
        writer.beginObject()
        writer.key("json")
        if let parameters = function.parameters {
            writer.raw(parameters)
        } else {
            writer.beginObject()
            writer.member("type", text: "object")
            writer.endObject()
        }
        writer.endObject()
        writer.member("strict", function.isStrict == true ? true : nil)
        writer.endObject()
        writer.endObject()
        try encoding.drop(function.extras, in: "tools[].function.")
    }

    private static func toolChoice(_ choice: ChatToolChoice?, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard let choice else { return }
        switch choice {
        case .none: return try encoding.drop("tool_choice: none")
        case .other: return try encoding.drop("tool_choice")
        case .auto, .required, .function: break
        }
        writer.key("toolChoice")
        writer.beginObject()
        switch choice {
        case .required: writer.key("any")
        case .function: writer.key("tool")
        case .auto, .none, .other: writer.key("auto")
        }
        writer.beginObject()
        if case .function(let name) = choice { writer.member("name", name) }
        writer.endObject()
        writer.endObject()
    }

    // MARK: Output and thoughts

    private static func output(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        switch request.responseFormat {
        case .json: try encoding.drop("response_format.type: json_object")
        case .schema(let wanted):
            guard let schema = wanted.schema else { return try encoding.drop("response_format.json_schema without a schema") }
            writer.key("outputConfig")
            writer.beginObject()
            writer.key("textFormat")
            writer.beginObject()
            writer.member("type", text: "json_schema")
            writer.key("structure")
            writer.beginObject()
            writer.key("jsonSchema")
            writer.beginObject()
            writer.key("schema")
            // The schema travels as a text.
            writer.string(schema.raw)
            writer.member("name", wanted.name)
            writer.member("description", wanted.description)
            writer.endObject()
            writer.endObject()
            writer.endObject()
            writer.endObject()
        case .text, nil: return
        }
    }

    /// What Converse has no field for and the model's maker has, under its own name.
    private static func modelFields(
        _ request: ChatRequest, _ thinking: AnthropicThinking?, topK: ChatNumber?, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        let own = request.extras.first { $0.key == "additionalModelRequestFields" }?.value
        let family = BedrockFamily(encoding.model)
        var fields = JSONWriter()
        fields.beginObject()
        if let own, own.kind == .object {
            for (key, value) in own.members {
                fields.key(key.string ?? "")
                fields.raw(value)
            }
        }
        if let topK {
            switch family {
            case .anthropic, .mistral: fields.member("top_k", topK)
            case .cohere: fields.member("k", topK)
            case .nova:
                fields.key("inferenceConfig")
                fields.beginObject()
                fields.member("topK", topK)
                fields.endObject()
            case .other: try encoding.drop("top_k")
            }
        }
        if let thinking { self.thinking(thinking, &fields) }
        fields.endObject()
        guard fields.buffer.readableBytes > 2 else { return }
        writer.key("additionalModelRequestFields")
        writer.raw(fields.buffer)
    }

    private static func thinking(_ thinking: AnthropicThinking, _ fields: inout JSONWriter) {
        switch thinking.mode {
        case .unsaid, .disabled: break
        case .adaptive:
            fields.key("thinking")
            fields.beginObject()
            fields.member("type", text: "adaptive")
            fields.endObject()
        case .budget(let tokens):
            fields.key("thinking")
            fields.beginObject()
            fields.member("type", text: "enabled")
            fields.member("budget_tokens", tokens)
            fields.endObject()
        }
        guard let effort = thinking.effort else { return }
        fields.key("output_config")
        fields.beginObject()
        fields.member("effort", effort)
        fields.endObject()
    }

    /// How Anthropic's models are to think; nil for others, whose makers have no field for it.
    private static func thinking(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> AnthropicThinking? {
        guard let reasoning = request.reasoning, !reasoning.isDisabled else { return nil }
        if BedrockFamily(encoding.model) == .anthropic { return try AnthropicThinking(request, &encoding) }
        try encoding.drop("reasoning_effort", if: reasoning.effort != nil || reasoning.budget != nil)
        return nil
    }

    // MARK: The rest

    /// Members of Converse that no other format has, which clients of every format may send under Converse's own names (OpenAI's SDK: `extra_body`).
    private static let ownMembers = ["guardrailConfig", "additionalModelResponseFieldPaths", "requestMetadata", "promptVariables"]

    private static func rest(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        for extra in request.extras {
            if self.ownMembers.contains(extra.key) {
                writer.key(extra.key)
                writer.raw(extra.value)
            } else if extra.key != "additionalModelRequestFields", extra.key != "performanceConfig" {
                try encoding.drop([extra])
            }
        }
        // The configuration's wish goes before the client's.
        if let latency = encoding.settings.bedrockLatency {
            writer.key("performanceConfig")
            writer.beginObject()
            writer.key("latency")
            writer.string(latency)
            writer.endObject()
        } else if let own = request.extras.first(where: { $0.key == "performanceConfig" }) {
            writer.member("performanceConfig", own.value)
        }
        if let tier = request.serviceTier {
            if tier.equals("priority") || tier.equals("default") || tier.equals("flex") || tier.equals("reserved") {
                writer.key("serviceTier")
                writer.beginObject()
                writer.member("type", tier)
                writer.endObject()
            } else if !tier.equals("auto") {
                try encoding.drop("service_tier")
            }
        }
        if let count = request.choiceCount?.int, count != 1 { try encoding.drop("n") }
        try encoding.drop("cache_control", if: request.cacheControl != nil)
        try encoding.drop("seed", if: request.seed != nil)
        try encoding.drop("logprobs", if: request.logprobs == true)
        try encoding.drop("top_logprobs", if: request.topLogprobs != nil)
        try encoding.drop("logit_bias", if: request.logitBias != nil)
        try encoding.drop("frequency_penalty", if: request.frequencyPenalty.map { $0.double != 0 } ?? false)
        try encoding.drop("presence_penalty", if: request.presencePenalty.map { $0.double != 0 } ?? false)
        try encoding.drop("user", if: request.user != nil)
        try encoding.drop("metadata", if: request.metadata != nil && request.user == nil)
        try encoding.drop("modalities", if: request.modalities.contains { !$0.equals("text") && !$0.equals("TEXT") })
        try encoding.drop("audio", if: request.audioOutput != nil)
        try encoding.drop("safety_settings", if: request.safetySettings != nil)
    }
}

/// Whose model it is, by its id: what goes beside Converse's own fields depends on it.
enum BedrockFamily: Sendable, Equatable {
    case anthropic, nova, mistral, cohere, other

    /// - Parameter model: `anthropic.claude-…`, `us.anthropic.…`, or an ARN that ends with such an id.
    init(_ model: String) {
        if model.contains("anthropic.") || model.contains("claude") {
            self = .anthropic
        } else if model.contains("amazon.nova") {
            self = .nova
        } else if model.contains("mistral.") {
            self = .mistral
        } else if model.contains("cohere.") {
            self = .cohere
        } else {
            self = .other
        }
    }
}
