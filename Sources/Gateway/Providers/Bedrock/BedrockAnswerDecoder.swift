import GatewayCore
import GatewayWire
import NIOCore

/// Reads answers and errors of Converse.
enum BedrockAnswerDecoder {
    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ChatAnswer {
        guard let document = try? JSONDocument(bytes), let content = document["output"]?["message"]?["content"], content.kind == .array else {
            throw AnswerFailure.unreadable("bedrock")
        }
        var answer = ChatAnswer(origin: .bedrock)
        var choice = ChatChoice()
        for block in content.elements { choice.parts.append(self.part(block)) }
        choice.finishReason = document["stopReason"].flatMap { self.finishReason($0) }
        choice.stopSequence = ChatText(document["additionalModelResponseFields"]?["stop_sequence"])
        answer.choices = [choice]
        answer.usage = document["usage"].map { self.usage($0) }
        answer.serviceTier = ChatText(document["serviceTier"]?["type"])
        for key in ["trace", "metrics", "additionalModelResponseFields", "performanceConfig"] {
            if let value = document.root[key] { answer.extras.append(ChatExtra(key, value)) }
        }
        return answer
    }

    static func part(_ block: JSONView) -> ChatPart {
        if let text = ChatText(block["text"]) { return ChatPart(.text(text)) }
        if let use = block["toolUse"], let name = ChatText(use["name"]) {
            return ChatPart(.toolCall(ChatToolCall(id: ChatText(use["toolUseId"]), name: name, arguments: use["input"].map { .json($0) } ?? .text(ChatText("" as StaticString)))))
        }
        if let reasoning = block["reasoningContent"] {
            if let text = ChatText(reasoning["reasoningText"]?["text"]) {
                var part = ChatPart(.reasoning(text))
                part.signature = ChatText(reasoning["reasoningText"]?["signature"])
                return part
            }
            if let data = ChatText(reasoning["redactedContent"]) { return ChatPart(.redactedReasoning(data)) }
        }
        if let image = block["image"], let data = ChatText(image["source"]?["bytes"]) {
            return ChatPart(.media(ChatMedia(.image, .base64(data), mediaType: image["format"]?.string.map { ChatText("image/\($0)") })))
        }
        // A cited answer is text with its sources.
        if let cited = block["citationsContent"], let first = cited["content"]?.elements.first(where: { _ in true }), let text = ChatText(first["text"]) {
            var part = ChatPart(.text(text))
            if let citations = cited["citations"] { part.extras.append(ChatExtra("citations", citations)) }
            return part
        }
        return ChatPart(.other(block))
    }

    /// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#bedrock-runtime_Converse-response-stopReason
    static func finishReason(_ view: JSONView) -> ChatFinishReason? {
        guard let spelling = ChatText(view) else { return nil }
        let kind: ChatFinishReason.Kind =
            switch spelling.string {
            case "end_turn": .stop
            case "tool_use": .toolCalls
            case "max_tokens": .length
            case "stop_sequence": .stopSequence
            case "guardrail_intervened", "content_filtered": .contentFilter
            case "malformed_tool_use": .malformedToolCall
            case "model_context_window_exceeded": .contextWindow
            default: .other
            }
        return ChatFinishReason(kind, spelling)
    }

    /// Converse counts what was read from and written to the cache apart from the input.
    static func usage(_ view: JSONView) -> ChatUsage {
        var usage = ChatUsage()
        view.forEachMember { key, value in
            let number = JSONView(view.bytes, value).tokens
            switch key.count {
            case 12 where key.isText("cacheDetails"):
                let details = JSONView(view.bytes, value).elements.filter { $0["ttl"]?.equals("1h") == true }
                usage.hourCacheWrites = details.reduce(0) { TokenCount.clamped($0 + ($1["inputTokens"]?.tokens ?? 0)) }
            case 11 where key.isText("inputTokens"): usage.input = number ?? 0
            case 12 where key.isText("outputTokens"): usage.output = number ?? 0
            case 20 where key.isText("cacheReadInputTokens"): usage.cachedInput = number
            case 21 where key.isText("cacheWriteInputTokens"): usage.cacheWrites = number
            default: return
            }
        }
        usage.input += (usage.cachedInput ?? 0) + (usage.cacheWrites ?? 0)
        return usage
    }

    /// Bedrock names the kind of an error in a field of the head; the body has the message alone.
    static func error(status: Int, _ body: ByteBuffer) -> ProviderError {
        let document = try? JSONDocument(body)
        let message = ChatText(document?["message"]) ?? ChatText(document?["Message"]) ?? AnswerFailure.message(status)
        let type = ChatText(document?["__type"])
        // A model that was not ready or failed is the provider's trouble, whatever the status says.
        let failure: FailureClass = status == 408 || status == 424 ? .serverError : status == 429 ? .rateLimited : HTTPFailureClass.of(status)
        return ProviderError(status: status == 424 ? 502 : status, failure: failure, message: message, type: type ?? self.typeName(status), code: type)
    }

    private static func typeName(_ status: Int) -> ChatText? {
        switch status {
        case 400: ChatText("ValidationException" as StaticString)
        case 403: ChatText("AccessDeniedException" as StaticString)
        case 404: ChatText("ResourceNotFoundException" as StaticString)
        case 408: ChatText("ModelTimeoutException" as StaticString)
        case 424: ChatText("ModelErrorException" as StaticString)
        case 429: ChatText("ThrottlingException" as StaticString)
        case 500: ChatText("InternalServerException" as StaticString)
        case 503: ChatText("ServiceUnavailableException" as StaticString)
        default: nil
        }
    }

    /// An exception in the middle of a stream; its status is the one it would have had instead of the stream.
    static func streamError(_ name: ByteBuffer, _ payload: ByteBuffer) -> ProviderError {
        let document = try? JSONDocument(payload)
        let (status, failure): (Int, FailureClass) =
            switch String(buffer: name) {
            case "validationException": (400, .invalidRequest)
            case "throttlingException": (429, .rateLimited)
            case "serviceUnavailableException": (503, .overloaded)
            case "modelTimeoutException": (408, .serverError)
            default: (500, .serverError)
            }
        return ProviderError(
            status: status, failure: failure, message: ChatText(document?["message"]) ?? ChatText("The provider ended the stream with an error" as StaticString),
            type: ChatText(plain: name), code: ChatText(plain: name))
    }
}
