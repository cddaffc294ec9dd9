import GatewayCore
import GatewayWire
import NIOCore

/// Images of Alibaba Cloud's Model Studio, which are not part of its OpenAI-compatible API: `multimodal-generation`, which makes and edits images while the client waits.
///
/// https://help.aliyun.com/zh/model-studio/qwen-image-api and …/qwen-image-edit-api. Models that only work on tasks to be asked for later (`image2image/image-synthesis`) are
/// not served: their answer would be a task, not an image.
final class DashScopeImageProvider: TranslatingAdapter {
    static let variant: StaticString = "images"

    let descriptor = ProviderDescriptor(name: "dashscope", telemetryName: "dashscope", keyVariable: "", reportsStreamUsage: false, variant: DashScopeImageProvider.variant)
    let format: ModelFormat? = nil
    let translatedOperations: [ModelOperation] = [.imageGenerations, .imageEdits]

    private static let path = "/api/v1/services/aigc/multimodal-generation/generation"

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        let parts = try UpstreamURL(settings.upstreamURL ?? "https://\(settings.dashscopeIsInternational ? "dashscope-intl" : "dashscope").aliyuncs.com")
        var path = parts.path.isEmpty || parts.path == "/" ? DashScopeImageProvider.path : parts.path
        if let own = settings.upstreamPath { path = own.hasPrefix("/") ? own : "/\(own)" }
        return ProviderLocation(endpoint: parts.endpoint, path: path, query: parts.query)
    }

    func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try DashScopeImages.encode(request, &encoding) }

    func decodeImages(_ document: ByteBuffer) throws(ProviderFailure) -> ImageAnswer { try DashScopeImages.decode(document) }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    func readError(status: Int, body: ByteBuffer) -> ProviderError { DashScopeImages.error(status: status, body) }

    // MARK: What is no image

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer { throw self.notServed(400) }
    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { throw self.notServed(400) }
    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { throw self.notServed(502) }
    func makeStreamDecoder() -> any ChatStreamDecoder { OpenAIStreamDecoder() }
    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { OpenAIOperationReader() }

    private func notServed(_ status: Int) -> ProviderFailure {
        ProviderFailure("operation_not_served", status: status, message: "only images are served by this API of dashscope")
    }
}

/// The bodies of `multimodal-generation`.
enum DashScopeImages {
    /// What of DashScope's a client may set beside OpenAI's fields.
    private static let parameters: Set<String> = ["prompt_extend", "watermark"]

    static func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var expressed: Set<ImageRequest.Field> = [.count, .size, .seed, .negativePrompt]
        // An answer names images by URL, for a day.
        if request.responseFormat != "b64_json" { expressed.insert(.responseFormat) }
        // There is nothing but PNG.
        if request.outputFormat == "png" { expressed.insert(.outputFormat) }
        var writer = JSONWriter(capacity: 4_096)
        writer.beginObject()
        writer.key("model")
        writer.string(encoding.model)
        writer.key("input")
        writer.beginObject()
        writer.key("messages")
        writer.beginArray()
        writer.beginObject()
        writer.member("role", text: "user")
        writer.key("content")
        writer.beginArray()
        for image in request.images {
            writer.beginObject()
            writer.key("image")
            writer.url(image, fallbackType: ImageType.png.mediaType)
            writer.endObject()
        }
        writer.beginObject()
        writer.member("text", request.prompt)
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.key("parameters")
        writer.beginObject()
        writer.member("n", request.count)
        if let size = request.size {
            writer.key("size")
            writer.string("\(size.width)*\(size.height)")
        }
        writer.member("seed", request.seed)
        writer.member("negative_prompt", request.negativePrompt)
        writer.extras(request.extras.filter { self.parameters.contains($0.key) })
        writer.endObject()
        writer.endObject()
        var rest = request
        rest.extras.removeAll { self.parameters.contains($0.key) }
        try encoding.drop(rest, except: expressed)
        return writer.buffer
    }

    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ImageAnswer {
        guard let document = try? JSONDocument(bytes), let output = document["output"], output.kind == .object else { throw AnswerFailure.unreadable("dashscope") }
        var answer = ImageAnswer()
        answer.id = ChatText(document["request_id"])
        if let choices = output["choices"] {
            for choice in choices.elements {
                answer.finishReason = ChatText(choice["finish_reason"]) ?? answer.finishReason
                guard let content = choice["message"]?["content"] else { continue }
                for part in content.elements { if let url = ChatText(part["image"]) { answer.images.append(GeneratedImage(.url(url))) } }
            }
        }
        // Most models count images; some tell tokens too.
        if let counts = document["usage"], let output = counts["output_tokens"]?.tokens, output > 0 {
            var usage = ChatUsage()
            usage.input = counts["input_tokens"]?.tokens ?? 0
            usage.output = output
            answer.usage = usage
        }
        return answer
    }

    /// https://help.aliyun.com/zh/model-studio/error-code: what a filter stopped is an error with status 400.
    static func error(status: Int, _ body: ByteBuffer) -> ProviderError {
        let document = try? JSONDocument(body)
        var code = ChatText(document?["code"])
        if let own = code, own.hasPrefix("DataInspectionFailed") || own.hasPrefix("IPInfringementSuspect") { code = ChatText("moderation_blocked" as StaticString) }
        return ProviderError(
            status: status, failure: HTTPFailureClass.of(status), message: ChatText(document?["message"]) ?? AnswerFailure.message(status), type: ChatText(document?["code"]), code: code)
    }
}
