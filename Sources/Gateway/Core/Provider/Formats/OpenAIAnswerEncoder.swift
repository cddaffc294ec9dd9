public import GatewayWire
import NIOCore

/// Writes answers and errors in OpenAI's format (https://platform.openai.com/docs/api-reference/chat/object).
enum OpenAIAnswerEncoder {
    static func chat(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        self.head(answer, context, prefix: "chatcmpl-", object: "chat.completion", &writer)
        writer.key("choices")
        writer.beginArray()
        for choice in answer.choices { self.choice(choice, answer.origin, context, &writer) }
        writer.endArray()
        self.tail(answer, &writer)
        writer.endObject()
        return writer.buffer
    }

    /// https://platform.openai.com/docs/api-reference/completions/object
    static func completion(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        self.head(answer, context, prefix: "cmpl-", object: "text_completion", &writer)
        writer.key("choices")
        writer.beginArray()
        for choice in answer.choices {
            writer.beginObject()
            writer.member("index", choice.index)
            writer.key("text")
            self.joinedText(choice.parts, &writer)
            writer.key("logprobs")
            if let logprobs = choice.logprobs { writer.raw(logprobs) } else { writer.null() }
            self.finishReason(choice.finishReason, answer.origin, &writer)
            writer.endObject()
        }
        writer.endArray()
        self.tail(answer, &writer)
        writer.endObject()
        return writer.buffer
    }

    private static func head(_ answer: ChatAnswer, _ context: AnswerContext, prefix: String, object: StaticString, _ writer: inout JSONWriter) {
        writer.key("id")
        if let id = answer.id { writer.string(id) } else { writer.string(prefix + context.requestID) }
        writer.member("object", text: object)
        writer.member("created", answer.createdAt ?? context.createdAt)
        writer.key("model")
        if let model = answer.model { writer.string(model) } else { writer.string(context.model) }
    }

    private static func tail(_ answer: ChatAnswer, _ writer: inout JSONWriter) {
        if let usage = answer.usage {
            writer.key("usage")
            self.usage(usage, &writer)
        }
        writer.member("service_tier", answer.origin == .openai ? answer.serviceTier : nil)
        if answer.origin == .openai { writer.extras(answer.extras) }
    }

    // MARK: Choices

    private static func choice(_ choice: ChatChoice, _ origin: ModelFormat?, _ context: AnswerContext, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("index", choice.index)
        writer.key("message")
        self.message(choice, origin, context, &writer)
        writer.key("logprobs")
        if let logprobs = choice.logprobs { writer.raw(logprobs) } else { writer.null() }
        self.finishReason(choice.finishReason, origin, &writer)
        if origin == .openai { writer.extras(choice.extras) }
        writer.endObject()
    }

    private static func message(_ choice: ChatChoice, _ origin: ModelFormat?, _ context: AnswerContext, _ writer: inout JSONWriter) {
        let kinds = PartKinds(choice.parts)
        writer.beginObject()
        writer.member("role", text: "assistant")
        writer.key("content")
        if kinds.hasText { self.joinedText(choice.parts, &writer) } else { writer.null() }
        writer.key("refusal")
        if let refusal = kinds.refusal { writer.string(refusal) } else { writer.null() }
        if kinds.hasReasoning { self.reasoning(choice.parts, kinds, &writer) }
        if kinds.hasImages { self.images(choice.parts, &writer) }
        if kinds.hasSpeech {
            writer.key("audio")
            OpenAISpeech.write(choice.parts, choice: choice.index, context, &writer)
        }
        if kinds.hasCalls {
            writer.key("tool_calls")
            writer.beginArray()
            var number = 0
            for part in choice.parts {
                guard case .toolCall(let call) = part.content else { continue }
                self.toolCall(call, part, number: number, choice: choice.index, context, &writer)
                number += 1
            }
            writer.endArray()
        }
        if origin == .openai { writer.extras(choice.messageExtras) }
        writer.endObject()
    }

    /// Which kinds of parts an answer has.
    private struct PartKinds {
        var hasText = false
        var hasReasoning = false
        var hasSignature = false
        var hasImages = false
        var hasSpeech = false
        var hasCalls = false
        var refusal: ChatText?

        init(_ parts: [ChatPart]) {
            for part in parts {
                switch part.content {
                case .text: self.hasText = true
                case .reasoning:
                    self.hasReasoning = true
                    if part.signature != nil { self.hasSignature = true }
                case .redactedReasoning:
                    self.hasReasoning = true
                    self.hasSignature = true
                case .media(let media):
                    if media.kind == .image { self.hasImages = true }
                    if media.kind == .audio { self.hasSpeech = true }
                case .toolCall: self.hasCalls = true
                case .refusal(let text): self.refusal = text
                case .toolResult, .other: continue
                }
            }
        }
    }

    private static func joinedText(_ parts: [ChatPart], _ writer: inout JSONWriter) {
        writer.beginString()
        for part in parts {
            if case .text(let text) = part.content { writer.piece(text) }
        }
        writer.endString()
    }

    /// Thoughts as DeepSeek writes them, and with their signatures as LiteLLM does, so that a client can send them back.
    private static func reasoning(_ parts: [ChatPart], _ kinds: PartKinds, _ writer: inout JSONWriter) {
        writer.key("reasoning_content")
        writer.beginString()
        for part in parts {
            if case .reasoning(let text) = part.content { writer.piece(text) }
        }
        writer.endString()
        guard kinds.hasSignature else { return }
        writer.key("thinking_blocks")
        writer.beginArray()
        for part in parts {
            switch part.content {
            case .reasoning(let text):
                writer.beginObject()
                writer.member("type", text: "thinking")
                writer.member("thinking", text)
                writer.member("signature", part.signature)
                writer.endObject()
            case .redactedReasoning(let data):
                writer.beginObject()
                writer.member("type", text: "redacted_thinking")
                writer.member("data", data)
                writer.endObject()
            default: continue
            }
        }
        writer.endArray()
    }

    /// Images a model drew, as OpenRouter writes them (https://openrouter.ai/docs/features/multimodal/image-generation).
    private static func images(_ parts: [ChatPart], _ writer: inout JSONWriter) {
        writer.key("images")
        writer.beginArray()
        for part in parts {
            if case .media(let media) = part.content, media.kind == .image { self.image(media, &writer) }
        }
        writer.endArray()
    }

    /// - Parameter index: numbers the image among those of a stream.
    static func image(_ media: ChatMedia, index: Int? = nil, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("index", index)
        writer.member("type", text: "image_url")
        writer.key("image_url")
        writer.beginObject()
        writer.key("url")
        writer.url(media, fallbackType: "image/png")
        writer.endObject()
        writer.endObject()
    }

    private static func toolCall(_ call: ChatToolCall, _ part: ChatPart, number: Int, choice: Int, _ context: AnswerContext, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        if let id = call.id { writer.string(id) } else { writer.string("call_\(context.requestID)_\(choice)_\(number)") }
        writer.member("type", text: "function")
        writer.key("function")
        writer.beginObject()
        writer.member("name", call.name)
        writer.key("arguments")
        writer.stringified(call.arguments)
        writer.endObject()
        if let signature = part.signature { self.signature(signature, &writer) }
        writer.endObject()
    }

    /// https://ai.google.dev/gemini-api/docs/thought-signatures#openai
    static func signature(_ signature: ChatText, _ writer: inout JSONWriter) {
        writer.key("extra_content")
        writer.beginObject()
        writer.key("google")
        writer.beginObject()
        writer.member("thought_signature", signature)
        writer.endObject()
        writer.endObject()
    }

    private static func finishReason(_ reason: ChatFinishReason?, _ origin: ModelFormat?, _ writer: inout JSONWriter) {
        writer.key("finish_reason")
        guard let reason else { return writer.null() }
        if origin == .openai { writer.string(reason.spelling) } else { writer.string(self.spelling(reason.kind)) }
    }

    static func spelling(_ kind: ChatFinishReason.Kind) -> StaticString {
        switch kind {
        case .stop, .stopSequence, .pause, .malformedToolCall, .other: "stop"
        case .length, .contextWindow: "length"
        case .toolCalls: "tool_calls"
        case .contentFilter, .refusal: "content_filter"
        }
    }

    // MARK: Usage and errors

    static func usage(_ usage: ChatUsage, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("prompt_tokens", usage.input)
        writer.member("completion_tokens", usage.output)
        writer.member("total_tokens", usage.total)
        writer.key("prompt_tokens_details")
        writer.beginObject()
        writer.member("cached_tokens", usage.cachedInput ?? 0)
        writer.member("audio_tokens", usage.inputAudio ?? 0)
        writer.member("cache_creation_tokens", usage.cacheWrites)
        writer.endObject()
        writer.key("completion_tokens_details")
        writer.beginObject()
        writer.member("reasoning_tokens", usage.reasoning ?? 0)
        writer.member("audio_tokens", usage.outputAudio ?? 0)
        writer.member("accepted_prediction_tokens", usage.acceptedPrediction ?? 0)
        writer.member("rejected_prediction_tokens", usage.rejectedPrediction ?? 0)
        writer.endObject()
        writer.endObject()
    }

    /// https://platform.openai.com/docs/guides/error-codes
    static func error(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("error")
        writer.beginObject()
        writer.member("message", error.message)
        writer.member("type", text: self.errorType(error))
        writer.key("param")
        if let parameter = error.parameter { writer.string(parameter) } else { writer.null() }
        writer.key("code")
        if let code = error.code ?? error.type { writer.string(code) } else { writer.null() }
        writer.endObject()
        writer.endObject()
        return writer.buffer
    }

    private static func errorType(_ error: ProviderError) -> StaticString {
        switch error.failure {
        case .authentication: error.status == 403 ? "permission_error" : "authentication_error"
        case .rateLimited: "rate_limit_error"
        case .overloaded, .serverError: "server_error"
        case .none, .invalidRequest, .notFound: error.status >= 500 ? "server_error" : "invalid_request_error"
        }
    }
}

extension JSONWriter {
    /// Writes arguments as OpenAI has them: their JSON as a string.
    public mutating func stringified(_ arguments: ChatArguments) {
        switch arguments {
        case .text(let text): self.string(text)
        case .json(let view): self.string(view.raw)
        }
    }

    /// Writes arguments as an object. What a model calls a tool with need not be one: then as the member `arguments` of one, since such formats have no other place for it.
    public mutating func objectOrText(_ arguments: ChatArguments) {
        guard !self.object(arguments) else { return }
        self.beginObject()
        self.key("arguments")
        self.stringified(arguments)
        self.endObject()
    }

    /// Writes arguments as an object, as the other vendors have them; false, with nothing written, when they are no JSON object.
    public mutating func object(_ arguments: ChatArguments) -> Bool {
        switch arguments {
        case .json(let view): self.raw(view)
        case .text(let text):
            if text.isEmpty {
                self.beginObject()
                self.endObject()
                return true
            }
            let plain = text.plain
            guard let root = try? JSONScanner.scan(plain).root, root.kind == .object else { return false }
            self.raw(plain)
        }
        return true
    }
}
