public import GatewayWire
import NIOCore

/// Videos in OpenAI's format (https://platform.openai.com/docs/api-reference/videos).
public enum OpenAIVideos {
    /// Reads a JSON body.
    ///
    /// - Throws: 400 with the member that cannot be read.
    public static func decode(_ body: ModelRequestBody) throws(ProviderFailure) -> VideoRequest {
        var reading = Reading()
        for (key, value) in body.document.root.members where !value.isNull { try reading.read(key.string ?? "", value) }
        return try reading.request()
    }

    /// Reads a form, as OpenAI's libraries send it.
    ///
    /// - Throws: as ``decode(_:)``.
    public static func decode(_ form: MultipartForm) throws(ProviderFailure) -> VideoRequest {
        var reading = Reading()
        for part in form.parts {
            guard let content = form.bytes.getSlice(at: form.bytes.readerIndex + part.content.lowerBound, length: part.content.count) else { continue }
            if part.isFile {
                try reading.read(file: content, part.name)
            } else {
                var writer = JSONWriter()
                writer.string(content)
                guard let document = try? JSONDocument(writer.buffer) else { throw OpenAIRequestDecoder.invalid(part.name, "cannot be read") }
                try reading.read(part.name, document.root)
            }
        }
        return try reading.request()
    }

    private struct Reading {
        private var result = VideoRequest(prompt: ChatText("" as StaticString))

        mutating func read(_ key: String, _ value: JSONView) throws(ProviderFailure) {
            switch key {
            case "model": self.result.model = ChatText(value)
            case "prompt":
                guard let prompt = ChatText(value) else { throw OpenAIRequestDecoder.invalid(key, "must be a text") }
                self.result.prompt = prompt
            case "seconds":
                guard let seconds = value.int ?? value.string.flatMap({ Int($0) }), 1...600 ~= seconds else { throw OpenAIRequestDecoder.invalid(key, "must be a number of seconds") }
                self.result.seconds = seconds
            case "size":
                guard let size = value.string.flatMap({ ImageSize($0) }) else { throw OpenAIRequestDecoder.invalid(key, "must be of the form 1280x720") }
                self.result.size = size
            case "input_reference", "input_reference[image_url]": try self.named(key, value)
            default: self.result.extras.append(ChatExtra(key, value))
            }
        }

        mutating func read(file: ByteBuffer, _ name: String) throws(ProviderFailure) {
            guard name == "input_reference" else {
                throw ProviderFailure("unsupported_field", status: 400, message: "\"\(name.prefix(64))\" is no file of a request for a video", parameter: String(name.prefix(64)))
            }
            guard let type = ImageType(file) else { throw OpenAIRequestDecoder.invalid(name, "must be a PNG, JPEG, WebP or GIF file: the provider of this model begins with no other") }
            self.result.image = ChatMedia(.image, .base64(ChatText(verbatim: Base64.encode(file))), mediaType: ChatText(type.mediaType))
        }

        private mutating func named(_ key: String, _ value: JSONView) throws(ProviderFailure) {
            guard let url = ChatText(value["image_url"]) ?? ChatText(value), url.hasPrefix("data:") else {
                throw OpenAIRequestDecoder.invalid(key, "must be a file or a data: URL: the provider of this model fetches no images")
            }
            var media = DataURL.media(.image, url)
            guard case .base64(let data) = media.source, let bytes = Base64.decode(data.plain), let type = ImageType(bytes) else {
                throw OpenAIRequestDecoder.invalid(key, "must hold an image in base64")
            }
            media.mediaType = ChatText(type.mediaType)
            self.result.image = media
        }

        func request() throws(ProviderFailure) -> VideoRequest {
            guard !self.result.prompt.isEmpty else {
                throw ProviderFailure("missing_prompt", status: 400, message: "the request body has no \"prompt\": it is no request for a video", parameter: "prompt")
            }
            return self.result
        }
    }

    // MARK: Answers

    /// The video as a client sees it.
    static func encode(_ answer: VideoAnswer, _ id: VideoID) -> ByteBuffer {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.key("id")
        writer.string(id.text)
        writer.member("object", text: "video")
        writer.key("model")
        writer.string(id.model)
        writer.member("status", text: answer.status.spelling)
        writer.member("progress", answer.status == .completed ? 100 : 0)
        writer.member("created_at", id.createdAt)
        writer.member("seconds", id.seconds.map { ChatText("\($0)") })
        writer.member("size", id.size.map { ChatText($0) })
        writer.key("error")
        if answer.status == .failed {
            writer.beginObject()
            writer.member("code", answer.errorCode ?? ChatText("video_generation_failed" as StaticString))
            writer.member("message", answer.errorMessage ?? ChatText("The provider tells no reason" as StaticString))
            writer.endObject()
        } else {
            writer.null()
        }
        writer.endObject()
        return writer.buffer
    }
}

extension VideoAnswer.Status {
    /// OpenAI's.
    var spelling: StaticString {
        switch self {
        case .queued: "queued"
        case .inProgress: "in_progress"
        case .completed: "completed"
        case .failed: "failed"
        }
    }
}
