import GatewayCore
import GatewayWire
import NIOCore

/// Reads answers and errors of `generateContent`.
enum GeminiAnswerDecoder {
    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ChatAnswer {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object, document["candidates"] != nil || document["promptFeedback"] != nil else {
            throw AnswerFailure.unreadable("gemini")
        }
        var answer = ChatAnswer(origin: .gemini)
        answer.id = ChatText(document["responseId"])
        answer.model = ChatText(document["modelVersion"])
        if let candidates = document["candidates"] {
            for candidate in candidates.elements {
                var choice = ChatChoice(index: candidate["index"]?.int ?? answer.choices.count)
                if let parts = candidate["content"]?["parts"] { for part in parts.elements { choice.parts.append(self.part(part)) } }
                let calls = choice.parts.contains { if case .toolCall = $0.content { true } else { false } }
                choice.finishReason = candidate["finishReason"].flatMap { self.finishReason($0, hasCalls: calls) }
                choice.logprobs = GeminiLogprobs.view(candidate["logprobsResult"])
                answer.choices.append(choice)
            }
        }
        if answer.choices.isEmpty, let blocked = self.blockReason(document.root) {
            // A prompt that a filter stopped has no candidate.
            var choice = ChatChoice()
            choice.finishReason = ChatFinishReason(.contentFilter, blocked)
            answer.choices = [choice]
        }
        answer.usage = document["usageMetadata"].map { self.usage($0) }
        answer.serviceTier = ChatText(document["usageMetadata"]?["trafficType"])
        return answer
    }

    static func blockReason(_ root: JSONView) -> ChatText? { ChatText(root["promptFeedback"]?["blockReason"]) }

    static func part(_ value: JSONView) -> ChatPart {
        var part = ChatPart(self.content(value))
        part.signature = ChatText(value["thoughtSignature"])
        if case .media(let media) = part.content, media.kind == .audio, let text = value["audioTranscription"]?["text"] {
            part.extras.append(ChatExtra("transcript", text, isUnderstood: true))
        }
        return part
    }

    private static func content(_ value: JSONView) -> ChatContent {
        if let text = ChatText(value["text"]) { return value["thought"]?.bool == true ? .reasoning(text) : .text(text) }
        if let call = value["functionCall"], let name = ChatText(call["name"]) {
            return .toolCall(ChatToolCall(id: ChatText(call["id"]), name: name, arguments: call["args"].map { .json($0) } ?? .text(ChatText("{}" as StaticString))))
        }
        if let data = value["inlineData"], let content = ChatText(data["data"]) {
            let type = ChatText(data["mimeType"])
            return .media(ChatMedia(self.kind(type), .base64(content), mediaType: type))
        }
        if let file = value["fileData"], let uri = ChatText(file["fileUri"]) {
            let type = ChatText(file["mimeType"])
            return .media(ChatMedia(self.kind(type), .url(uri), mediaType: type))
        }
        return .other(value)
    }

    static func kind(_ type: ChatText?) -> ChatMedia.Kind {
        guard let type else { return .document }
        if type.hasPrefix("image/") { return .image }
        if type.hasPrefix("audio/") { return .audio }
        return type.hasPrefix("video/") ? .video : .document
    }

    /// https://ai.google.dev/api/generate-content#FinishReason
    static func finishReason(_ view: JSONView, hasCalls: Bool) -> ChatFinishReason? {
        guard let spelling = ChatText(view) else { return nil }
        let kind: ChatFinishReason.Kind =
            switch spelling.string {
            // The API says STOP after calls too.
            case "STOP": hasCalls ? .toolCalls : .stop
            case "MAX_TOKENS": .length
            case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION": .contentFilter
            case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS": .malformedToolCall
            default: .other
            }
        return ChatFinishReason(kind, spelling)
    }

    /// https://ai.google.dev/api/generate-content#UsageMetadata: thoughts are counted apart from the candidates.
    static func usage(_ view: JSONView) -> ChatUsage {
        var usage = ChatUsage()
        var candidates = 0, thoughts: Int?
        view.forEachMember { key, value in
            let number = JSONView(view.bytes, value)
            switch key.count {
            case 16 where key.isText("promptTokenCount"): usage.input += number.tokens ?? 0
            case 23 where key.isText("toolUsePromptTokenCount"): usage.input += number.tokens ?? 0
            case 20 where key.isText("candidatesTokenCount"): candidates = number.tokens ?? 0
            case 18 where key.isText("thoughtsTokenCount"): thoughts = number.tokens
            case 23 where key.isText("cachedContentTokenCount"): usage.cachedInput = number.tokens
            default: return
            }
        }
        usage.output = candidates + (thoughts ?? 0)
        usage.reasoning = thoughts
        usage.inputAudio = self.audio(view["promptTokensDetails"])
        usage.outputAudio = self.audio(view["candidatesTokensDetails"])
        return usage
    }

    private static func audio(_ details: JSONView?) -> Int? {
        guard let details else { return nil }
        for detail in details.elements where detail["modality"]?.equals("AUDIO") == true { return detail["tokenCount"]?.tokens }
        return nil
    }

    // MARK: Errors

    /// https://cloud.google.com/apis/design/errors; a stream that fails at once may wrap it in a list.
    static func error(status: Int, _ body: ByteBuffer) -> ProviderError {
        guard let document = try? JSONDocument(body) else { return ProviderError(status: status, failure: HTTPFailureClass.of(status), message: AnswerFailure.message(status)) }
        var list = document.root.elements
        let error = document["error"] ?? list.next()?["error"]
        return self.error(status: status, error)
    }

    /// The same for bodies that may be another vendor's; nil: it is none of Google's.
    static func googleError(status: Int, _ body: ByteBuffer) -> ProviderError? {
        guard let document = try? JSONDocument(body) else { return nil }
        var list = document.root.elements
        guard let error = document["error"] ?? list.next()?["error"], error["status"]?.text != nil else { return nil }
        return self.error(status: status, error)
    }

    /// A duration of protobuf's JSON: `12.5s`, at most a day.
    private static func seconds(_ text: String) -> Int? {
        guard text.hasSuffix("s"), let seconds = Double(text.dropLast()), seconds.isFinite, seconds >= 0 else { return nil }
        return Int(min(seconds, 86_400).rounded(.up))
    }

    static func error(status: Int, _ error: JSONView?) -> ProviderError {
        let type = ChatText(error?["status"])
        var retry: Int?
        if let details = error?["details"] {
            for detail in details.elements { if let delay = detail["retryDelay"]?.string { retry = self.seconds(delay) } }
        }
        return ProviderError(
            status: status, failure: HTTPFailureClass.of(status), message: ChatText(error?["message"]) ?? ChatText(error) ?? AnswerFailure.message(status), type: type, code: type,
            retryAfterSeconds: retry)
    }
}
