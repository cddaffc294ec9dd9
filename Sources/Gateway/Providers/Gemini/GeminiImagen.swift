import GatewayCore
import GatewayWire
import NIOCore

/// Images of Imagen, by `predict`: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api and, for edits, …/imagen-api-customization.
///
/// A mask is handed on as it is: Imagen edits where it is white, OpenAI where it is transparent.
enum GeminiImagen {
    private static let ratios: [StaticString] = ["1:1", "3:4", "4:3", "9:16", "16:9"]
    /// Parameters that only Imagen knows, under its own names.
    private static let parameters: Set<String> = ["personGeneration", "safetySetting", "addWatermark", "enhancePrompt", "language", "guidanceScale"]

    /// - Parameter model: `imagen-4.0-generate-001`, `imagegeneration@006`, or a path that ends with one.
    static func isImagen(_ model: String) -> Bool {
        let name = model.split(separator: "/").last ?? ""
        return name.hasPrefix("imagen-") || name.hasPrefix("imagegeneration")
    }

    static func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        let isVertex = GeminiEmbeddings.isVertex(encoding.settings)
        let isEdit = !request.images.isEmpty
        guard isVertex || !isEdit else {
            throw ProviderFailure("operation_not_served", status: 400, message: "Imagen edits images on Vertex AI only", parameter: "model")
        }
        var expressed: Set<ImageRequest.Field> = [.count]
        if request.responseFormat != "url" { expressed.insert(.responseFormat) }
        var writer = JSONWriter(capacity: 4_096)
        writer.beginObject()
        writer.key("instances")
        writer.beginArray()
        writer.beginObject()
        writer.member("prompt", request.prompt)
        if isEdit {
            try self.write(request.images, request.mask, &writer)
            expressed.insert(.mask)
        }
        writer.endObject()
        writer.endArray()
        writer.key("parameters")
        writer.beginObject()
        writer.member("sampleCount", request.count ?? 1)
        // A filtered image has a reason only where it is asked for.
        writer.member("includeRaiReason", true)
        if isEdit { writer.member("editMode", text: request.mask == nil ? "EDIT_MODE_DEFAULT" : "EDIT_MODE_INPAINT_INSERTION") } else { self.size(request, encoding.model, &expressed, &writer) }
        if isVertex {
            writer.member("seed", request.seed)
            writer.member("negativePrompt", request.negativePrompt)
            expressed.formUnion([.seed, .negativePrompt])
        }
        if let type = request.outputFormat.flatMap({ GeminiImages.mediaType($0) }) {
            writer.key("outputOptions")
            GeminiImages.write(type, request.outputCompression, &writer)
            expressed.formUnion([.outputFormat, .outputCompression])
        }
        writer.extras(request.extras.filter { self.parameters.contains($0.key) })
        writer.endObject()
        writer.endObject()
        var rest = request
        rest.extras.removeAll { self.parameters.contains($0.key) }
        try encoding.drop(rest, except: expressed)
        return writer.buffer
    }

    private static func size(_ request: ImageRequest, _ model: String, _ expressed: inout Set<ImageRequest.Field>, _ writer: inout JSONWriter) {
        guard let size = request.size, let ratio = size.ratio(of: self.ratios) else { return }
        writer.member("aspectRatio", text: ratio)
        let isLarge = size.longSide > GeminiImages.usualSide
        let takesSize = model.contains("imagen-4") && !model.contains("fast")
        if isLarge, takesSize { writer.member("sampleImageSize", text: "2K") }
        if !isLarge || takesSize { expressed.insert(.size) }
    }

    private static func write(_ images: [ChatMedia], _ mask: ChatMedia?, _ writer: inout JSONWriter) throws(ProviderFailure) {
        writer.key("referenceImages")
        writer.beginArray()
        for (index, image) in images.enumerated() { try self.reference(image, "image", "REFERENCE_TYPE_RAW", id: index + 1, &writer) }
        if let mask { try self.reference(mask, "mask", "REFERENCE_TYPE_MASK", id: images.count + 1, &writer) }
        writer.endArray()
    }

    private static func reference(_ media: ChatMedia, _ field: String, _ type: StaticString, id: Int, _ writer: inout JSONWriter) throws(ProviderFailure) {
        let data = try ImageContent.base64(of: media, field)
        writer.beginObject()
        writer.member("referenceType", text: type)
        writer.member("referenceId", id)
        writer.key("referenceImage")
        writer.beginObject()
        writer.member("bytesBase64Encoded", data)
        writer.endObject()
        if field == "mask" {
            writer.key("maskImageConfig")
            writer.beginObject()
            writer.member("maskMode", text: "MASK_MODE_USER_PROVIDED")
            writer.endObject()
        }
        writer.endObject()
    }

    /// The answer tells no tokens. Where a filter stops every image there may be no predictions at all.
    static func decode(_ document: JSONDocument) throws(ProviderFailure) -> ImageAnswer {
        guard let predictions = document["predictions"] else {
            guard document.result.root.kind == .object, document["error"] == nil else { throw AnswerFailure.unreadable("gemini") }
            return ImageAnswer()
        }
        var answer = ImageAnswer()
        for prediction in predictions.elements {
            if let data = ChatText(prediction["bytesBase64Encoded"]) {
                answer.images.append(GeneratedImage(.base64(data), mediaType: ChatText(prediction["mimeType"]), revisedPrompt: ChatText(prediction["prompt"])))
            } else if let reason = ChatText(prediction["raiFilteredReason"]) {
                answer.refusal = ImageContent.filtered(reason)
                answer.finishReason = ChatText("raiFilteredReason" as StaticString)
            }
        }
        return answer
    }
}
