public import GatewayWire
import NIOCore

/// Images in OpenAI's format, the only one clients ask for them in (https://platform.openai.com/docs/api-reference/images): JSON, or a form with files.
public enum OpenAIImages {
    /// Most images of one edit (https://platform.openai.com/docs/api-reference/images/createEdit).
    private static let mostImages = 16

    /// Reads a JSON body: one that makes images from a text, or that names images to edit by URL.
    ///
    /// - Throws: 400 with the member that cannot be read.
    public static func decode(_ body: ModelRequestBody) throws(ProviderFailure) -> ImageRequest {
        var reading = Reading(isEdit: body.operation == .imageEdits)
        for (key, value) in body.document.root.members where !value.isNull { try reading.read(key.string ?? "", value) }
        return try reading.request()
    }

    /// Reads a form.
    ///
    /// - Throws: as ``decode(_:)``.
    public static func decode(_ form: MultipartForm) throws(ProviderFailure) -> ImageRequest {
        var reading = Reading(isEdit: true)
        for part in form.parts {
            guard let content = form.bytes.getSlice(at: form.bytes.readerIndex + part.content.lowerBound, length: part.content.count) else { continue }
            if part.isFile { try reading.read(file: content, part.name) } else { try reading.read(part.name, self.view(content, part.name)) }
        }
        return try reading.request()
    }

    /// A form's field as the value it would be in JSON: a text, but where it is only for the provider and has the spelling of something else.
    private static func view(_ content: ByteBuffer, _ name: String) throws(ProviderFailure) -> JSONView {
        if !Reading.members.contains(name), let document = try? JSONDocument(content), document.root.kind != .string { return document.root }
        var writer = JSONWriter()
        writer.string(content)
        guard let document = try? JSONDocument(writer.buffer) else { throw OpenAIRequestDecoder.invalid(name, "cannot be read") }
        return document.root
    }

    /// A request as far as it has been read.
    private struct Reading {
        static let members: Set<String> = [
            "model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "response_format", "seed", "negative_prompt", "user", "stream",
        ]
        let isEdit: Bool
        private var result = ImageRequest(prompt: ChatText("" as StaticString))

        init(isEdit: Bool) { self.isEdit = isEdit }

        mutating func read(_ key: String, _ value: JSONView) throws(ProviderFailure) {
            switch key {
            case "model": self.result.model = ChatText(value)
            case "prompt":
                guard let prompt = ChatText(value) else { throw OpenAIRequestDecoder.invalid(key, "must be a text") }
                self.result.prompt = prompt
            case "n":
                guard let count = try self.number(value, key), count > 0 else { throw OpenAIRequestDecoder.invalid(key, "must be 1 or more") }
                self.result.count = count
            case "size":
                guard let text = try self.choice(value, key) else { return }
                guard let size = ImageSize(text) else { throw OpenAIRequestDecoder.invalid(key, "must be \"auto\" or of the form 1024x1024") }
                self.result.size = size
            case "quality": self.result.quality = try self.choice(value, key)
            case "background": self.result.background = try self.choice(value, key)
            case "output_format": self.result.outputFormat = try self.choice(value, key)
            case "output_compression": self.result.outputCompression = try self.number(value, key)
            case "response_format": self.result.responseFormat = try self.choice(value, key)
            case "seed": self.result.seed = try self.number(value, key)
            case "negative_prompt": self.result.negativePrompt = ChatText(value)
            case "user": self.result.user = ChatText(value)
            case "stream": self.result.isStream = value.bool ?? value.equals("true")
            case "image", "image[]", "images", "images[]", "mask":
                guard self.isEdit else { return self.result.extras.append(ChatExtra(key, value)) }
                try self.named(key, value)
            default:
                // What says what happens without it costs nothing.
                let isUsual = key == "moderation" && value.equals("auto") || key == "partial_images" && (value.int ?? value.string.flatMap { Int($0) }) == 0
                if !isUsual { self.result.extras.append(ChatExtra(key, value)) }
            }
        }

        mutating func read(file: ByteBuffer, _ name: String) throws(ProviderFailure) {
            guard let type = ImageType(file) else { throw OpenAIRequestDecoder.invalid(name, "must be a PNG, JPEG, WebP or GIF file") }
            let media = ChatMedia(.image, .base64(ChatText(verbatim: Base64.encode(file))), mediaType: ChatText(type.mediaType))
            switch name {
            case "image", "image[]": self.result.images.append(media)
            case "mask": self.result.mask = media
            default:
                throw ProviderFailure("unsupported_field", status: 400, message: "\"\(name.prefix(64))\" is no file of an image request", parameter: String(name.prefix(64)))
            }
        }

        /// Images of a JSON body (https://platform.openai.com/docs/api-reference/images/createEdit): URLs, of which one may hold the image itself.
        private mutating func named(_ key: String, _ value: JSONView) throws(ProviderFailure) {
            if value.kind == .array {
                for element in value.elements { try self.named(key, element) }
                return
            }
            guard let url = ChatText(value["image_url"]) ?? ChatText(value) else {
                throw OpenAIRequestDecoder.invalid(key, value["file_id"] == nil ? "must name an image by its URL" : "must not name a file: the provider of this model knows none")
            }
            var media = DataURL.media(.image, url)
            if case .base64(let data) = media.source {
                guard let bytes = Base64.decode(data.plain), let type = ImageType(bytes) else { throw OpenAIRequestDecoder.invalid(key, "must hold an image in base64") }
                media.mediaType = ChatText(type.mediaType)
            } else if !url.hasPrefix("https://"), !url.hasPrefix("http://") {
                throw OpenAIRequestDecoder.invalid(key, "must be an image file, or a URL of one")
            }
            if key == "mask" { self.result.mask = media } else { self.result.images.append(media) }
        }

        private func number(_ value: JSONView, _ key: String) throws(ProviderFailure) -> Int? {
            guard let number = value.int ?? value.string.flatMap({ Int($0) }) else { throw OpenAIRequestDecoder.invalid(key, "must be an integer") }
            return number
        }

        /// One of several names; nil: `auto`.
        private func choice(_ value: JSONView, _ key: String) throws(ProviderFailure) -> String? {
            guard let text = value.string, text.utf8.count <= 64 else { throw OpenAIRequestDecoder.invalid(key, "must be one of the names it can have") }
            return text == "auto" ? nil : text
        }

        func request() throws(ProviderFailure) -> ImageRequest {
            guard !self.result.prompt.isEmpty else {
                throw ProviderFailure("missing_prompt", status: 400, message: "the request body has no \"prompt\": it is no request for images", parameter: "prompt")
            }
            guard !self.isEdit || !self.result.images.isEmpty else {
                throw ProviderFailure("missing_image", status: 400, message: "the request body has no \"image\" to edit", parameter: "image")
            }
            guard self.result.images.count <= OpenAIImages.mostImages else { throw OpenAIRequestDecoder.invalid("image", "must not be more than \(OpenAIImages.mostImages) images") }
            return self.result
        }
    }

    // MARK: Answers

    static func encode(_ answer: ImageAnswer, _ context: AnswerContext) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.member("created", context.createdAt)
        writer.key("data")
        writer.beginArray()
        for image in answer.images {
            writer.beginObject()
            switch image.source {
            case .base64(let data): writer.member("b64_json", data)
            case .url(let url): writer.member("url", url)
            // No provider answers with these.
            case .text, .file: break
            }
            writer.member("revised_prompt", image.revisedPrompt)
            writer.endObject()
        }
        writer.endArray()
        if let format = answer.images.first?.mediaType, format.hasPrefix("image/") { writer.member("output_format", ChatText(String(format.string.dropFirst("image/".count)))) }
        if let usage = answer.usage { self.write(usage, answer, &writer) }
        writer.endObject()
        return writer.buffer
    }

    private static func write(_ usage: ChatUsage, _ answer: ImageAnswer, _ writer: inout JSONWriter) {
        writer.key("usage")
        writer.beginObject()
        writer.member("input_tokens", usage.input)
        writer.member("output_tokens", usage.output)
        writer.member("total_tokens", usage.total)
        self.details("input_tokens_details", of: usage.input, answer.inputImageTokens ?? 0, &writer)
        if let images = answer.outputImageTokens { self.details("output_tokens_details", of: usage.output, images, &writer) }
        writer.endObject()
    }

    private static func details(_ name: StaticString, of total: Int, _ images: Int, _ writer: inout JSONWriter) {
        let images = min(images, total)
        writer.key(name)
        writer.beginObject()
        writer.member("text_tokens", total - images)
        writer.member("image_tokens", images)
        writer.endObject()
    }
}
