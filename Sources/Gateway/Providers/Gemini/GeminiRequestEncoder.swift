import GatewayCore
import GatewayWire
import NIOCore

/// Writes a canonical request as `generateContent` wants it.
enum GeminiRequestEncoder {
    static func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 2_048)
        writer.beginObject()
        try self.system(request.messages, &writer, &encoding)
        try GeminiContentEncoder.contents(request.messages, &writer, &encoding)
        try self.tools(request, &writer, &encoding)
        try self.configuration(request, &writer, &encoding)
        writer.member("safetySettings", request.safetySettings)
        try self.refuse(request, &writer, &encoding)
        writer.endObject()
        return writer.buffer
    }

    private static func system(_ messages: [ChatMessage], _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        let system = messages.filter { $0.role == .system || $0.role == .developer }
        guard !system.isEmpty else { return }
        writer.key("systemInstruction")
        writer.beginObject()
        writer.key("parts")
        writer.beginArray()
        for message in system {
            for part in message.parts {
                guard case .text(let text) = part.content else {
                    try encoding.drop("messages[].content of \"system\" that is no text")
                    continue
                }
                writer.beginObject()
                writer.member("text", text)
                writer.endObject()
            }
        }
        writer.endArray()
        writer.endObject()
    }

    // MARK: Tools

    private static func tools(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard !request.tools.isEmpty else { return }
        var functions: [ChatFunction] = []
        for tool in request.tools {
            switch tool.kind {
            case .function(let function):
                functions.append(function)
                try encoding.drop("tools[].function.strict", if: function.isStrict == true)
                try encoding.drop("tools[].cache_control", if: tool.cacheControl != nil)
                try encoding.drop(tool.extras, in: "tools[].")
                try encoding.drop(function.extras, in: "tools[].function.")
            case .other(let view): if request.origin != .gemini { try encoding.drop(unknown: view, in: "tools[]") }
            }
        }
        writer.key("tools")
        writer.beginArray()
        if !functions.isEmpty {
            writer.beginObject()
            writer.key("functionDeclarations")
            writer.beginArray()
            for function in functions { self.declaration(function, &writer) }
            writer.endArray()
            writer.endObject()
        }
        for tool in request.tools { if case .other(let view) = tool.kind, request.origin == .gemini { writer.raw(view) } }
        writer.endArray()
        try encoding.drop("parallel_tool_calls", if: request.allowsParallelToolCalls == false)
        try self.choice(request.toolChoice, &writer, &encoding)
    }

    private static func declaration(_ function: ChatFunction, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", function.name)
        writer.member("description", function.description)
        // A schema of the JSON Schema kind, where `parameters` takes OpenAPI's subset only.
        if let parameters = function.parameters, !parameters.isEmptyContainer { writer.member("parametersJsonSchema", parameters) }
        writer.endObject()
    }

    private static func choice(_ choice: ChatToolChoice?, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard let choice else { return }
        if case .other = choice { return try encoding.drop("tool_choice") }
        writer.key("toolConfig")
        writer.beginObject()
        writer.key("functionCallingConfig")
        writer.beginObject()
        switch choice {
        case .auto, .other: writer.member("mode", text: "AUTO")
        case .none: writer.member("mode", text: "NONE")
        case .required: writer.member("mode", text: "ANY")
        case .function(let name):
            writer.member("mode", text: "ANY")
            writer.key("allowedFunctionNames")
            writer.beginArray()
            writer.string(name)
            writer.endArray()
        }
        writer.endObject()
        writer.endObject()
    }

    // MARK: generationConfig

    private static func configuration(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        var inner = JSONWriter(capacity: 512)
        inner.beginObject()
        let empty = inner.buffer.readableBytes
        inner.member("maxOutputTokens", request.maximumTokens)
        inner.member("temperature", request.temperature)
        inner.member("topP", request.topP)
        inner.member("topK", request.topK)
        inner.member("frequencyPenalty", request.frequencyPenalty)
        inner.member("presencePenalty", request.presencePenalty)
        inner.member("seed", request.seed)
        inner.member("candidateCount", request.choiceCount)
        if request.origin == .openai, !encoding.isStream {
            inner.member("responseLogprobs", request.logprobs)
            inner.member("logprobs", request.topLogprobs)
        } else {
            // Whole answers of OpenAI's format alone have a place for them.
            try encoding.drop("logprobs", if: request.logprobs == true)
            try encoding.drop("top_logprobs", if: request.topLogprobs != nil)
        }
        if !request.stop.isEmpty {
            inner.key("stopSequences")
            inner.beginArray()
            for stop in request.stop { inner.string(stop) }
            inner.endArray()
        }
        self.format(request.responseFormat, &inner)
        try self.modalities(request, &inner, &encoding)
        self.thinking(request.reasoning, &inner)
        guard inner.buffer.readableBytes > empty else { return }
        inner.endObject()
        writer.key("generationConfig")
        writer.raw(inner.buffer)
    }

    private static func format(_ format: ChatResponseFormat?, _ writer: inout JSONWriter) {
        switch format {
        case .json: writer.member("responseMimeType", text: "application/json")
        case .schema(let schema):
            writer.member("responseMimeType", text: "application/json")
            writer.member("responseJsonSchema", schema.schema)
        case .text, nil: return
        }
    }

    private static func modalities(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        let names = request.modalities.map { $0.string.uppercased() }
        let isSpoken = names.contains("AUDIO")
        if isSpoken { try self.speech(request.audioOutput, &writer, &encoding) } else { try encoding.drop("audio", if: request.audioOutput != nil) }
        guard !names.isEmpty else { return }
        writer.key("responseModalities")
        writer.beginArray()
        for name in names {
            // OpenAI's clients have to ask for the text of what is spoken too; models that speak here refuse to be asked for both.
            if isSpoken, name == "TEXT" { try encoding.drop("modalities[]: text") } else { writer.string(name) }
        }
        writer.endArray()
    }

    /// Voices that only OpenAI has (https://platform.openai.com/docs/guides/text-to-speech#voice-options); the API refuses names it does not know.
    private static let foreignVoices: Set<String> = ["alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"]

    /// How the answer is spoken (https://ai.google.dev/gemini-api/docs/speech-generation): by one of Google's voices, in samples of 16 bits, which may become a WAV file.
    private static func speech(_ audio: JSONView?, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        guard let audio else { return }
        for (key, value) in audio.members where !value.isNull {
            switch key.string ?? "" {
            case "voice":
                guard let voice = ChatText(value), !self.foreignVoices.contains(voice.string) else {
                    try encoding.drop("audio.voice")
                    continue
                }
                writer.key("speechConfig")
                writer.beginObject()
                writer.key("voiceConfig")
                writer.beginObject()
                writer.key("prebuiltVoiceConfig")
                writer.beginObject()
                writer.member("voiceName", voice)
                writer.endObject()
                writer.endObject()
                writer.endObject()
            case "format": try encoding.drop("audio.format", if: !value.equals("pcm16") && (encoding.isStream || !value.equals("wav")))
            case let other: try encoding.drop("audio.\(other)")
            }
        }
    }

    /// https://ai.google.dev/gemini-api/docs/thinking
    private static func thinking(_ reasoning: ChatReasoning?, _ writer: inout JSONWriter) {
        guard let reasoning else { return }
        let budget = reasoning.isAdaptive ? -1 : reasoning.budgetTokens
        guard budget != nil || reasoning.includesThoughts != nil else { return }
        writer.key("thinkingConfig")
        writer.beginObject()
        writer.member("thinkingBudget", budget)
        // Whoever asks for thinking by an effort or a budget wants to see it, but for those who say otherwise.
        if let includes = reasoning.includesThoughts { writer.member("includeThoughts", includes) } else if budget != 0 { writer.member("includeThoughts", true) }
        writer.endObject()
    }

    // MARK: The rest

    private static func refuse(_ request: ChatRequest, _ writer: inout JSONWriter, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        try encoding.drop("logit_bias", if: request.logitBias != nil)
        try encoding.drop("user", if: request.user != nil)
        try encoding.drop("metadata", if: request.metadata != nil && request.user == nil)
        try encoding.drop("service_tier", if: request.serviceTier.map { !$0.equals("auto") } ?? false)
        try encoding.drop("cache_control", if: request.cacheControl != nil)
        try encoding.drop(request.extras)
    }
}
