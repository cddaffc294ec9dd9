import GatewayCore
import GatewayWire
import NIOCore

/// Images by InvokeModel: Bedrock has no common format for them, so the model's maker counts.
///
/// Amazon's (Nova Canvas, Titan Image): https://docs.aws.amazon.com/nova/latest/userguide/image-gen-req-resp-structure.html and
/// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-image.html; Stability's: …/model-parameters-stability-diffusion.html.
/// A mask is handed on as it is: Amazon's models edit where it is black, Stability's where it is white, OpenAI's where it is transparent.
enum BedrockImages {
    static func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        encoding.model.contains("stability.") ? try BedrockStability.encode(request, &encoding) : try self.amazon(request, &encoding)
    }

    /// What of Amazon's a client may set beside OpenAI's fields.
    private static let configuration = "cfgScale"
    private static let similarity = "similarityStrength"

    private static func amazon(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var expressed: Set<ImageRequest.Field> = [.count, .quality, .seed, .negativePrompt, .mask]
        if request.responseFormat != "url" { expressed.insert(.responseFormat) }
        // There is nothing but PNG.
        if request.outputFormat == "png" { expressed.insert(.outputFormat) }
        var writer = JSONWriter(capacity: 4_096)
        writer.beginObject()
        if let mask = request.mask, let image = request.images.first {
            writer.member("taskType", text: "INPAINTING")
            writer.key("inPaintingParams")
            writer.beginObject()
            writer.member("image", try ImageContent.base64(of: image, "image"))
            writer.member("maskImage", try ImageContent.base64(of: mask, "mask"))
            self.texts(request, &writer)
            try encoding.drop("image", if: request.images.count > 1)
        } else if !request.images.isEmpty {
            writer.member("taskType", text: "IMAGE_VARIATION")
            writer.key("imageVariationParams")
            writer.beginObject()
            writer.key("images")
            writer.beginArray()
            for image in request.images { writer.string(try ImageContent.base64(of: image, "image")) }
            writer.endArray()
            self.texts(request, &writer)
            writer.extras(request.extras.filter { $0.key == self.similarity })
        } else {
            writer.member("taskType", text: "TEXT_IMAGE")
            writer.key("textToImageParams")
            writer.beginObject()
            self.texts(request, &writer)
        }
        writer.endObject()
        writer.key("imageGenerationConfig")
        writer.beginObject()
        writer.member("numberOfImages", request.count ?? 1)
        // What is painted into an image has the image's size.
        if request.mask == nil {
            writer.member("width", request.size?.width)
            writer.member("height", request.size?.height)
            expressed.insert(.size)
        }
        if let quality = self.quality(request.quality) { writer.member("quality", text: quality) }
        writer.member("seed", request.seed)
        writer.extras(request.extras.filter { $0.key == self.configuration })
        writer.endObject()
        writer.endObject()
        var rest = request
        rest.extras.removeAll { $0.key == self.configuration || $0.key == self.similarity && !request.images.isEmpty && request.mask == nil }
        try encoding.drop(rest, except: expressed)
        return writer.buffer
    }

    private static func texts(_ request: ImageRequest, _ writer: inout JSONWriter) {
        writer.member("text", request.prompt)
        writer.member("negativeText", request.negativePrompt)
    }

    private static func quality(_ quality: String?) -> StaticString? {
        switch quality {
        case nil: nil
        case "hd", "high", "premium": "premium"
        default: "standard"
        }
    }

    // MARK: Answers

    /// Neither maker tells tokens. Amazon's answers say with `error` what of them a filter stopped, Stability's with `finish_reasons`.
    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> ImageAnswer {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object else { throw AnswerFailure.unreadable("bedrock") }
        var answer = ImageAnswer()
        if let images = document["images"] { for image in images.elements { if let data = ChatText(image) { answer.images.append(ImageContent.generated(data)) } } }
        if let reason = ChatText(document["error"]) {
            answer.refusal = reason
            answer.finishReason = ChatText("error" as StaticString)
        }
        guard let reasons = document["finish_reasons"] else { return answer }
        for element in reasons.elements {
            guard let reason = ChatText(element) else { continue }
            answer.finishReason = reason
            // "Inference error" is none of the client's doing.
            if reason.hasPrefix("Filter reason") { answer.refusal = ImageContent.filtered(ChatText("The provider stopped the request: \(reason.string)")) }
        }
        return answer
    }
}

/// Stability's models on Bedrock: makers of images (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-diffusion-3-5-large.html), and services that edit one
/// (…/stable-image-services.html).
enum BedrockStability {
    private static let ratios: [StaticString] = ["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"]
    /// What of Stability's a client may set beside OpenAI's fields.
    private static let parameters: Set<String> = [
        "strength", "style_preset", "grow_mask", "search_prompt", "select_prompt", "control_strength", "fidelity", "creativity", "left", "right", "up", "down",
    ]
    /// How far an image may be left, 0 to 1, where the client says nothing; the vendor wants to be told.
    private static let usualStrength = 0.7

    static func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        let makesImages = ["sd3", "stable-image-ultra", "stable-image-core", "stable-diffusion"].contains { encoding.model.contains($0) }
        var expressed: Set<ImageRequest.Field> = [.seed, .negativePrompt]
        if request.responseFormat != "url" { expressed.insert(.responseFormat) }
        var writer = JSONWriter(capacity: 4_096)
        writer.beginObject()
        writer.member("prompt", request.prompt)
        writer.member("negative_prompt", request.negativePrompt)
        writer.member("seed", request.seed)
        if request.outputFormat == "png" || request.outputFormat == "jpeg" {
            writer.member("output_format", request.outputFormat.map { ChatText($0) })
            expressed.insert(.outputFormat)
        }
        if let image = request.images.first {
            writer.member("image", try ImageContent.base64(of: image, "image"))
            if makesImages {
                if encoding.model.contains("sd3") { writer.member("mode", text: "image-to-image") }
                if !request.extras.contains(where: { $0.key == "strength" }) {
                    writer.key("strength")
                    writer.number(self.usualStrength)
                }
            } else if let mask = request.mask {
                writer.member("mask", try ImageContent.base64(of: mask, "mask"))
                expressed.insert(.mask)
            }
            try encoding.drop("image", if: request.images.count > 1)
        } else if let ratio = request.size?.ratio(of: self.ratios) {
            writer.member("aspect_ratio", text: ratio)
            expressed.insert(.size)
        }
        writer.extras(request.extras.filter { self.parameters.contains($0.key) })
        writer.endObject()
        var rest = request
        rest.extras.removeAll { self.parameters.contains($0.key) }
        try encoding.drop(rest, except: expressed)
        return writer.buffer
    }
}
