import GatewayCore
import GatewayWire
import NIOCore

/// Videos of Veo, by operations: https://ai.google.dev/gemini-api/docs/video, and on Vertex AI
/// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation.
enum GeminiVideos {
    private static let ratios: [StaticString] = ["16:9", "9:16"]
    /// Parameters that only Veo knows, under its own names. Not among them is where a video is stored: clients have no say in what the gateway's identity writes.
    private static let parameters: Set<String> = ["negativePrompt", "seed", "personGeneration", "generateAudio", "enhancePrompt", "resizeMode", "compressionQuality"]

    static func encode(_ request: VideoRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("instances")
        writer.beginArray()
        writer.beginObject()
        writer.member("prompt", request.prompt)
        if let image = request.image {
            writer.key("image")
            writer.beginObject()
            writer.member("bytesBase64Encoded", try ImageContent.base64(of: image, "input_reference"))
            writer.member("mimeType", image.mediaType)
            writer.endObject()
        }
        writer.endObject()
        writer.endArray()
        writer.key("parameters")
        writer.beginObject()
        writer.member("sampleCount", 1)
        writer.member("durationSeconds", request.seconds)
        if let size = request.size {
            guard let ratio = size.ratio(of: self.ratios) else {
                throw ProviderFailure("unsupported_field", status: 400, message: "\"size\" must be near to 16:9 or 9:16: the provider of this model makes no other videos", parameter: "size")
            }
            writer.member("aspectRatio", text: ratio)
            // What is made without being asked for, of models too that cannot be asked.
            if size.longSide > 1_280 { writer.member("resolution", text: "1080p") }
        }
        let own = request.extras.filter { self.parameters.contains($0.key) }
        for extra in own {
            writer.key(extra.key)
            writer.raw(extra.value)
        }
        writer.endObject()
        writer.endObject()
        try encoding.drop(request.extras.filter { !self.parameters.contains($0.key) })
        return writer.buffer
    }

    /// An operation, which the Gemini API and Vertex AI fill differently.
    static func decode(_ document: ByteBuffer) throws(ProviderFailure) -> VideoAnswer {
        guard let root = try? JSONDocument(document).root, let name = root["name"]?.string, let operation = name.split(separator: "/").last.map(String.init) else {
            throw ProviderFailure("no_operation_in_answer", status: 502, message: "the provider's answer is no operation")
        }
        guard root["done"]?.bool == true else { return VideoAnswer(.inProgress, operation: operation) }
        var answer = VideoAnswer(.completed, operation: operation)
        if let error = root["error"], error.kind == .object {
            answer.status = .failed
            answer.errorMessage = ChatText(error["message"])
            return answer
        }
        let response = root["response"]
        let made = response?["generateVideoResponse"]
        for sample in made?["generatedSamples"]?.elements ?? (response?["videos"] ?? root).elements where answer.content == nil { answer.content = try self.content(sample["video"] ?? sample) }
        guard answer.content == nil else { return answer }
        answer.status = .failed
        answer.errorCode = ChatText("moderation_blocked" as StaticString)
        for reason in ((made ?? response)?["raiMediaFilteredReasons"] ?? root).elements where answer.errorMessage == nil { answer.errorMessage = ChatText(reason) }
        if answer.errorMessage == nil { answer.errorMessage = ImageContent.filtered(nil) }
        return answer
    }

    private static func content(_ video: JSONView) throws(ProviderFailure) -> VideoAnswer.Content? {
        if let data = video["bytesBase64Encoded"]?.text ?? video["encodedVideo"]?.text {
            guard let bytes = Base64.decode(data) else { throw ProviderFailure("video_malformed", status: 502, message: "the provider's video is no base64") }
            return .bytes(bytes, mediaType: video["mimeType"]?.string ?? "video/mp4")
        }
        if let uri = video["gcsUri"]?.string { return .elsewhere(uri) }
        // `https://generativelanguage.googleapis.com/v1beta/files/abc:download?alt=media`
        guard let uri = video["uri"]?.string else { return nil }
        guard let start = uri.firstRange(of: "/files/")?.upperBound else { return .elsewhere(String(uri.prefix { $0 != "?" })) }
        return .file(String(uri[start...].prefix { $0 != ":" && $0 != "?" && $0 != "/" }))
    }
}

extension GeminiProvider: VideoAdapter {
    func encode(_ request: VideoRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try GeminiVideos.encode(request, &encoding) }

    func decodeVideo(_ document: ByteBuffer) throws(ProviderFailure) -> VideoAnswer { try GeminiVideos.decode(document) }

    func locate(_ step: VideoStep, _ settings: ProviderSettings) throws(ProviderFailure) -> VideoPlace {
        let model = settings.model ?? ""
        let resources = self.resources(of: .videoGenerations) ?? ResourceTable([])
        func call(_ method: HTTPMethod, _ path: String) throws(ProviderFailure) -> ProviderLocation {
            try self.locate(try resources.call(method, ByteBuffer(string: path).readableBytesView), settings)
        }
        switch step {
        case .create: return VideoPlace(try call(.post, "/v1beta/models/\(model):predictLongRunning"), .post)
        case .look(let id) where GeminiEmbeddings.isVertex(settings):
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("operationName")
            writer.string(
                "projects/\(settings.geminiProject ?? "")/locations/\(settings.geminiLocation ?? "")/publishers/google/models/\(model)/operations/\(id.operation)")
            writer.endObject()
            return VideoPlace(try call(.post, "/models/\(model):fetchPredictOperation"), .post, body: writer.buffer)
        case .look(let id): return VideoPlace(try call(.get, "/v1beta/models/\(model)/operations/\(id.operation)"), .get)
        case .file(let name):
            let location = try call(.get, "/download/v1beta/files/\(name):download")
            return VideoPlace(ProviderLocation(endpoint: location.endpoint, path: location.path, query: [location.query, "alt=media"].compactMap { $0 }.joined(separator: "&")), .get)
        }
    }
}
