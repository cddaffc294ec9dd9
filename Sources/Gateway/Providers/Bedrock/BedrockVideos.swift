import GatewayCore
import GatewayWire
import NIOCore

/// Videos of models that run asynchronously: Nova Reel (https://docs.aws.amazon.com/nova/latest/userguide/video-gen-access.html) and Luma Ray
/// (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-luma.html). They end in S3, where the gateway has no access.
enum BedrockVideos {
    private static let ratios: [StaticString] = ["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]

    static func encode(_ request: VideoRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        guard let output = encoding.settings.bedrockVideoOutput else {
            throw ProviderFailure("video_output_missing", status: 500, message: "model.options.bedrock.video_output_s3_uri says where videos are put, and is not set")
        }
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("modelId")
        writer.string(encoding.model)
        writer.key("modelInput")
        writer.beginObject()
        if encoding.model.contains("nova-reel") {
            try self.reel(request, &writer)
        } else if encoding.model.contains("luma.ray") {
            try self.ray(request, &writer)
        } else {
            throw ProviderFailure("operation_not_served", status: 400, message: "videos of this model cannot be asked for in OpenAI's format; Nova Reel's and Luma Ray's can", parameter: "model")
        }
        writer.endObject()
        writer.key("outputDataConfig")
        writer.beginObject()
        writer.key("s3OutputDataConfig")
        writer.beginObject()
        writer.key("s3Uri")
        writer.string(output)
        writer.endObject()
        writer.endObject()
        writer.endObject()
        try encoding.drop(request.extras.filter { $0.key != "seed" || !encoding.model.contains("nova-reel") })
        return writer.buffer
    }

    /// A shot of six seconds, or several for longer videos of the text alone.
    private static func reel(_ request: VideoRequest, _ writer: inout JSONWriter) throws(ProviderFailure) {
        let isLong = (request.seconds ?? 6) > 6
        writer.member("taskType", text: isLong ? "MULTI_SHOT_AUTOMATED" : "TEXT_VIDEO")
        writer.key(isLong ? "multiShotAutomatedParams" as StaticString : "textToVideoParams")
        writer.beginObject()
        writer.member("text", request.prompt)
        if let image = request.image {
            guard !isLong else {
                throw ProviderFailure("unsupported_field", status: 400, message: "\"input_reference\" is only taken for videos of 6 seconds", parameter: "input_reference")
            }
            writer.key("images")
            writer.beginArray()
            writer.beginObject()
            writer.key("format")
            writer.string(image.mediaType.map { $0.string } == "image/png" ? "png" as StaticString : "jpeg")
            writer.key("source")
            writer.beginObject()
            writer.member("bytes", try ImageContent.base64(of: image, "input_reference"))
            writer.endObject()
            writer.endObject()
            writer.endArray()
        }
        writer.endObject()
        writer.key("videoGenerationConfig")
        writer.beginObject()
        writer.member("durationSeconds", request.seconds ?? 6)
        writer.member("fps", 24)
        writer.key("dimension")
        writer.string(request.size.map { "\($0.width)x\($0.height)" } ?? "1280x720")
        if let seed = request.extras.first(where: { $0.key == "seed" })?.value { writer.member("seed", seed.int ?? seed.string.flatMap { Int($0) }) }
        writer.endObject()
    }

    private static func ray(_ request: VideoRequest, _ writer: inout JSONWriter) throws(ProviderFailure) {
        writer.member("prompt", request.prompt)
        if let seconds = request.seconds {
            writer.key("duration")
            writer.string("\(seconds)s")
        }
        if let size = request.size {
            guard let ratio = size.ratio(of: self.ratios) else {
                throw ProviderFailure("unsupported_field", status: 400, message: "\"size\" is of no ratio that the provider of this model makes", parameter: "size")
            }
            writer.member("aspect_ratio", text: ratio)
            writer.member("resolution", text: min(size.width, size.height) > 540 ? "720p" : "540p")
        }
        guard let image = request.image else { return }
        writer.key("keyframes")
        writer.beginObject()
        writer.key("frame0")
        writer.beginObject()
        writer.member("type", text: "image")
        writer.key("source")
        writer.beginObject()
        writer.member("type", text: "base64")
        writer.member("media_type", image.mediaType)
        writer.member("data", try ImageContent.base64(of: image, "input_reference"))
        writer.endObject()
        writer.endObject()
        writer.endObject()
    }

    static func decode(_ document: ByteBuffer) throws(ProviderFailure) -> VideoAnswer {
        guard let root = try? JSONDocument(document).root, let arn = root["invocationArn"]?.string else {
            throw ProviderFailure("no_operation_in_answer", status: 502, message: "the provider's answer is no invocation")
        }
        // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_GetAsyncInvoke.html
        guard let status = root["status"]?.string else { return VideoAnswer(.queued, operation: arn) }
        var answer = VideoAnswer(status == "Completed" ? .completed : status == "Failed" ? .failed : .inProgress, operation: arn)
        answer.errorMessage = ChatText(root["failureMessage"])
        if answer.status == .completed {
            var folder = root["outputDataConfig"]?["s3OutputDataConfig"]?["s3Uri"]?.string ?? "s3:"
            while folder.hasSuffix("/") { folder.removeLast() }
            answer.content = .elsewhere("\(folder)/output.mp4")
        }
        return answer
    }
}

extension BedrockProvider: VideoAdapter {
    func encode(_ request: VideoRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try BedrockVideos.encode(request, &encoding) }

    func decodeVideo(_ document: ByteBuffer) throws(ProviderFailure) -> VideoAnswer { try BedrockVideos.decode(document) }

    func locate(_ step: VideoStep, _ settings: ProviderSettings) throws(ProviderFailure) -> VideoPlace {
        let resources = self.resources(of: .videoGenerations) ?? ResourceTable([])
        func call(_ method: HTTPMethod, _ path: String) throws(ProviderFailure) -> ProviderLocation {
            try self.locate(try resources.call(method, ByteBuffer(string: path).readableBytesView), settings)
        }
        switch step {
        case .create: return VideoPlace(try call(.post, "/async-invoke"), .post)
        case .look(let id): return VideoPlace(try call(.get, "/async-invoke/\(PercentEncoding.encoded(id.operation))"), .get)
        case .file: throw ProviderFailure("unknown_action", status: 404, message: "the provider of this model has no such file")
        }
    }
}
