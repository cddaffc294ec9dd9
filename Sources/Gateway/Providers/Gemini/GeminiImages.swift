import GatewayCore
import GatewayWire
import NIOCore

/// Images by `generateContent` (https://ai.google.dev/gemini-api/docs/image-generation): a chat of one message that is answered with images.
///
/// A client's `generationConfig` is handed on, as Kong does (https://developer.konghq.com/how-to/use-gemini-3-image-config/): what it says goes before what OpenAI's fields say.
enum GeminiImages {
    /// https://ai.google.dev/gemini-api/docs/image-generation#aspect_ratios
    private static let ratios: [StaticString] = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]
    /// Longest side of what is made without a word of how large: 1K in the widest of the usual ratios.
    static let usualSide = 1_792

    static func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var request = request
        let configuration = self.take("generationConfig", from: &request)
        let safety = self.take("safetySettings", from: &request) ?? self.take("safety_settings", from: &request)
        // A model gives one candidate.
        var expressed: Set<ImageRequest.Field> = []
        if request.responseFormat != "url" { expressed.insert(.responseFormat) }
        var writer = JSONWriter(capacity: 4_096)
        writer.beginObject()
        try self.write(request, &writer)
        writer.key("generationConfig")
        writer.beginObject()
        if let configuration {
            for (key, value) in configuration.members where !key.equals("imageConfig") {
                writer.key(key.string ?? "")
                writer.raw(value)
            }
        }
        if configuration?["responseModalities"] == nil { self.modalities(encoding.model, &writer) }
        if configuration?["seed"] == nil { writer.member("seed", request.seed) }
        expressed.insert(.seed)
        self.imageConfiguration(request, own: configuration?["imageConfig"], encoding, &expressed, &writer)
        writer.endObject()
        writer.member("safetySettings", safety)
        writer.endObject()
        try encoding.drop(request, except: expressed)
        return writer.buffer
    }

    private static func take(_ key: String, from request: inout ImageRequest) -> JSONView? {
        guard let index = request.extras.lastIndex(where: { $0.key == key && ($0.value.kind == .object || $0.value.kind == .array) }) else { return nil }
        return request.extras.remove(at: index).value
    }

    private static func write(_ request: ImageRequest, _ writer: inout JSONWriter) throws(ProviderFailure) {
        writer.key("contents")
        writer.beginArray()
        writer.beginObject()
        writer.member("role", text: "user")
        writer.key("parts")
        writer.beginArray()
        for image in request.images {
            let data = try ImageContent.base64(of: image, "image")
            writer.beginObject()
            writer.key("inlineData")
            writer.beginObject()
            writer.member("mimeType", image.mediaType ?? ChatText(ImageType.png.mediaType))
            writer.member("data", data)
            writer.endObject()
            writer.endObject()
        }
        writer.beginObject()
        writer.member("text", request.prompt)
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.endArray()
    }

    /// The first model of this kind gives no image without a text beside it (https://ai.google.dev/gemini-api/docs/models#gemini-2.0-flash-image).
    private static func modalities(_ model: String, _ writer: inout JSONWriter) {
        writer.key("responseModalities")
        writer.beginArray()
        if model.contains("gemini-2.0") { writer.string("TEXT" as StaticString) }
        writer.string("IMAGE" as StaticString)
        writer.endArray()
    }

    /// - Parameter own: the client's, whose members win.
    private static func imageConfiguration(
        _ request: ImageRequest, own: JSONView?, _ encoding: ChatEncoding, _ expressed: inout Set<ImageRequest.Field>, _ writer: inout JSONWriter
    ) {
        let ratio = request.size.flatMap { $0.ratio(of: self.ratios) }
        let isLarge = request.size.map { $0.longSide > self.usualSide } ?? false
        let takesSize = !encoding.model.contains("gemini-2")
        if ratio != nil, !isLarge || takesSize { expressed.insert(.size) }
        // The Gemini API gives PNG, and has no choice (google-genai, ImageConfig).
        let isVertex = GeminiEmbeddings.isVertex(encoding.settings)
        let output = isVertex && own?["imageOutputOptions"] == nil ? request.outputFormat.flatMap { self.mediaType($0) } : nil
        if output != nil || request.outputFormat == "png" { expressed.insert(.outputFormat) }
        if output != nil { expressed.insert(.outputCompression) }
        guard own != nil || ratio != nil || output != nil else { return }
        writer.key("imageConfig")
        writer.beginObject()
        if let ratio, own?["aspectRatio"] == nil { writer.member("aspectRatio", text: ratio) }
        if ratio != nil, isLarge, takesSize, own?["imageSize"] == nil { writer.member("imageSize", text: (request.size?.longSide ?? 0) > 2_560 ? "4K" : "2K") }
        if let output {
            writer.key("imageOutputOptions")
            self.write(output, request.outputCompression, &writer)
        }
        if let own, own.kind == .object {
            for (key, value) in own.members {
                writer.key(key.string ?? "")
                writer.raw(value)
            }
        }
        writer.endObject()
    }

    /// Formats that Vertex AI offers.
    static func mediaType(_ format: String) -> StaticString? {
        switch format {
        case "png": ImageType.png.mediaType
        case "jpeg": ImageType.jpeg.mediaType
        default: nil
        }
    }

    static func write(_ mediaType: StaticString, _ compression: Int?, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("mimeType", text: mediaType)
        writer.member("compressionQuality", compression)
        writer.endObject()
    }

    // MARK: Answers

    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ImageAnswer {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object else { throw AnswerFailure.unreadable("gemini") }
        if document["predictions"] != nil || document["candidates"] == nil && document["promptFeedback"] == nil { return try GeminiImagen.decode(document) }
        var answer = ImageAnswer()
        answer.id = ChatText(document["responseId"])
        answer.model = ChatText(document["modelVersion"])
        if let blocked = GeminiAnswerDecoder.blockReason(document.root) {
            answer.finishReason = blocked
            answer.refusal = ImageContent.filtered(ChatText(document["promptFeedback"]?["blockReasonMessage"]))
        }
        if let candidates = document["candidates"] { for candidate in candidates.elements { self.read(candidate, &answer) } }
        if let usage = document["usageMetadata"] {
            answer.usage = GeminiAnswerDecoder.usage(usage)
            answer.inputImageTokens = ImageContent.tokens(usage["promptTokensDetails"], "IMAGE")
            answer.outputImageTokens = ImageContent.tokens(usage["candidatesTokensDetails"], "IMAGE")
        }
        return answer
    }

    private static func read(_ candidate: JSONView, _ answer: inout ImageAnswer) {
        if let parts = candidate["content"]?["parts"] {
            // What a model draws while it thinks is no answer.
            for part in parts.elements where part["thought"]?.bool != true {
                guard let data = part["inlineData"], let content = ChatText(data["data"]), let type = ChatText(data["mimeType"]), type.hasPrefix("image/") else { continue }
                answer.images.append(GeneratedImage(.base64(content), mediaType: type))
            }
        }
        guard let reason = candidate["finishReason"].flatMap({ GeminiAnswerDecoder.finishReason($0, hasCalls: false) }) else { return }
        answer.finishReason = reason.spelling
        if reason.kind == .contentFilter { answer.refusal = ImageContent.filtered(ChatText(candidate["finishMessage"])) }
    }
}
