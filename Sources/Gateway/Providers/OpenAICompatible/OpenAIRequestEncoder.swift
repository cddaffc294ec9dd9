import GatewayCore
import GatewayWire
import NIOCore

/// What servers of OpenAI's format differ in, as far as a request shows it.
struct OpenAIDialect: Sendable {
    /// The limit's name is `max_completion_tokens`, as OpenAI's newer models insist on.
    var takesCompletionLimit = false
    /// Takes `top_k`.
    var takesTopK = false
    /// Takes `reasoning_effort`.
    var takesEffort = true
    /// Takes `cache_control` of texts.
    var marksCache = false
    /// Takes `stream_options`.
    var reportsStreamUsage = true
}

/// Writes a canonical request in OpenAI's format (https://platform.openai.com/docs/api-reference/chat/create).
enum OpenAIRequestEncoder {
    static func encode(_ request: ChatRequest, _ dialect: OpenAIDialect, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 2_048)
        let isOwn = request.origin == .openai
        writer.beginObject()
        writer.key("model")
        writer.string(encoding.model)
        writer.key("messages")
        writer.beginArray()
        for message in request.messages { try OpenAIMessageEncoder.message(message, isOwn: isOwn, marksCache: dialect.marksCache, &writer, &encoding) }
        writer.endArray()
        try self.tools(request, isOwn, &writer, &encoding)
        try self.sampling(request, dialect, isOwn, &writer, &encoding)
        self.format(request.responseFormat, &writer)
        try self.reasoning(request, dialect, isOwn, &writer, &encoding)
        try self.rest(request, isOwn, &writer, &encoding)
        if encoding.isStream {
            writer.member("stream", true)
            if dialect.reportsStreamUsage {
                writer.key("stream_options")
                writer.beginObject()
                writer.member("include_usage", true)
                writer.endObject()
            }
        }
        writer.endObject()
        return writer.buffer
    }

    // MARK: Tools

    private static func tools(_ request: ChatRequest, _ isOwn: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard !request.tools.isEmpty else { return }
        writer.key("tools")
        writer.beginArray()
        for tool in request.tools {
            switch tool.kind {
            case .function(let function):
                writer.beginObject()
                writer.member("type", text: "function")
                writer.key("function")
                writer.beginObject()
                writer.member("name", function.name)
                writer.member("description", function.description)
                writer.member("parameters", function.parameters)
                writer.member("strict", function.isStrict)
                if isOwn { writer.extras(function.extras) } else { try encoding.drop(function.extras, in: "tools[].function.") }
                writer.endObject()
                if isOwn {
                    writer.member("cache_control", tool.cacheControl)
                    writer.extras(tool.extras)
                } else {
                    try encoding.drop("tools[].cache_control", if: tool.cacheControl != nil)
                    try encoding.drop(tool.extras, in: "tools[].")
                }
                writer.endObject()
            case .other(let view):
                if isOwn { writer.raw(view) } else { try encoding.drop(unknown: view, in: "tools[]") }
            }
        }
        writer.endArray()
        if let choice = request.toolChoice { try self.toolChoice(choice, isOwn, &writer, &encoding) }
        writer.member("parallel_tool_calls", request.allowsParallelToolCalls)
    }

    private static func toolChoice(_ choice: ChatToolChoice, _ isOwn: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        switch choice {
        case .auto: writer.member("tool_choice", text: "auto")
        case .none: writer.member("tool_choice", text: "none")
        case .required: writer.member("tool_choice", text: "required")
        case .function(let name):
            writer.key("tool_choice")
            writer.beginObject()
            writer.member("type", text: "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", name)
            writer.endObject()
            writer.endObject()
        case .other(let view):
            if isOwn { writer.member("tool_choice", view) } else { try encoding.drop("tool_choice") }
        }
    }

    // MARK: Sampling

    private static func sampling(
        _ request: ChatRequest, _ dialect: OpenAIDialect, _ isOwn: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        if let maximum = request.maximumTokens {
            let isCompletionLimit = isOwn ? request.limitCountsReasoning ?? dialect.takesCompletionLimit : dialect.takesCompletionLimit
            writer.key(isCompletionLimit ? "max_completion_tokens" : "max_tokens")
            writer.number(maximum)
        }
        writer.member("temperature", request.temperature)
        writer.member("top_p", request.topP)
        if let topK = request.topK {
            if dialect.takesTopK { writer.member("top_k", topK) } else { try encoding.drop("top_k") }
        }
        writer.member("frequency_penalty", request.frequencyPenalty)
        writer.member("presence_penalty", request.presencePenalty)
        writer.member("seed", request.seed)
        writer.member("n", request.choiceCount)
        writer.member("logprobs", request.logprobs)
        writer.member("top_logprobs", request.topLogprobs)
        writer.member("logit_bias", request.logitBias)
        guard !request.stop.isEmpty else { return }
        writer.key("stop")
        writer.beginArray()
        for stop in request.stop { writer.string(stop) }
        writer.endArray()
    }

    private static func format(_ format: ChatResponseFormat?, _ writer: inout JSONWriter) {
        guard let format else { return }
        writer.key("response_format")
        writer.beginObject()
        switch format {
        case .text: writer.member("type", text: "text")
        case .json: writer.member("type", text: "json_object")
        case .schema(let schema):
            writer.member("type", text: "json_schema")
            writer.key("json_schema")
            writer.beginObject()
            writer.key("name")
            if let name = schema.name { writer.string(name) } else { writer.string("response" as StaticString) }
            writer.member("description", schema.description)
            writer.member("schema", schema.schema)
            writer.member("strict", schema.isStrict)
            writer.endObject()
        }
        writer.endObject()
    }

    private static func reasoning(
        _ request: ChatRequest, _ dialect: OpenAIDialect, _ isOwn: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding
    ) throws(ProviderFailure) {
        guard let reasoning = request.reasoning else { return }
        // Where the client wrote a member of its own for it, that one is written back.
        if isOwn { return writer.member("reasoning_effort", reasoning.effort) }
        // Models that cannot think refuse the member: it is left out where thinking is off anyway.
        guard !reasoning.isDisabled, let effort = reasoning.effortName else { return }
        if dialect.takesEffort { writer.member("reasoning_effort", effort.equals("max") ? ChatText("xhigh" as StaticString) : effort) } else { try encoding.drop("thinking") }
    }

    // MARK: The rest

    private static func rest(_ request: ChatRequest, _ isOwn: Bool, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        writer.member("user", request.user)
        if isOwn {
            writer.member("service_tier", request.serviceTier)
            writer.member("metadata", request.metadata)
            writer.member("cache_control", request.cacheControl)
            writer.extras(request.extras.filter { $0.key != "stream_options" && $0.key != "max_tokens" })
        } else {
            if let tier = request.serviceTier {
                if tier.equals("auto") {
                    writer.member("service_tier", tier)
                } else if tier.equals("standard_only") {
                    writer.member("service_tier", text: "default")
                } else {
                    try encoding.drop("service_tier")
                }
            }
            try encoding.drop("metadata", if: request.metadata != nil && request.user == nil)
            try encoding.drop("cache_control", if: request.cacheControl != nil)
            try encoding.drop("safetySettings", if: request.safetySettings != nil)
            try encoding.drop(request.extras)
        }
        self.output(request, isOwn, &writer)
    }

    /// What the answer is to be made of. Speech is asked for with its text and with a voice, without which OpenAI refuses it; of the formats the one that Gemini's clients,
    /// the only others who ask for speech, expect.
    private static func output(_ request: ChatRequest, _ isOwn: Bool, _ writer: inout JSONWriter) {
        let names = isOwn ? [] : request.modalities.map { $0.string.lowercased() }
        if names.contains("audio") {
            writer.key("modalities")
            writer.beginArray()
            if !names.contains("text") { writer.string("text" as StaticString) }
            for name in names { writer.string(name) }
            writer.endArray()
            writer.key("audio")
            writer.beginObject()
            writer.member("voice", text: "alloy")
            writer.member("format", text: "pcm16")
            writer.endObject()
            return
        }
        if !request.modalities.isEmpty {
            writer.key("modalities")
            writer.beginArray()
            if isOwn { for modality in request.modalities { writer.string(modality) } } else { for name in names { writer.string(name) } }
            writer.endArray()
        }
        writer.member("audio", request.audioOutput)
    }
}
