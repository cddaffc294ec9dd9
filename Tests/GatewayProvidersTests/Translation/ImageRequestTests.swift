import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// What vendors get of OpenAI's requests for images.
@Suite struct ImageRequestTests {
    static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3]
    static let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 1, 2]
    static let pngText = "iVBORw0KGgoBAgM="
    static let jpegText = "/9j/4AEC"

    struct Sent {
        let json: JSONValue
        let dropped: [String]
        let place: String
    }

    private func settings(_ model: String, vertex: Bool) -> ProviderSettings {
        var settings = ProviderSettings()
        settings.model = model
        settings.awsRegion = "us-east-1"
        if vertex { (settings.geminiEndpoint, settings.geminiProject, settings.geminiLocation) = ("eu-aiplatform.googleapis.com", "p", "eu") }
        return settings
    }

    private func send(
        _ request: ImageRequest, to provider: String, _ model: String, variant: String? = nil, vertex: Bool = false, policy: UnsupportedPolicy = .drop
    ) throws -> Sent {
        let adapter = try #require(ProviderCatalog.directory.adapter(provider, variant: variant) as? any TranslatingAdapter)
        let settings = self.settings(model, vertex: vertex)
        var encoding = ChatEncoding(model: model, isStream: false, settings: settings, policy: policy)
        let body = try adapter.encode(request, &encoding)
        let location = try adapter.locate(request.images.isEmpty ? .imageGenerations : .imageEdits, settings)
        return Sent(json: try JSONValue(parsing: body).meaning, dropped: encoding.dropped, place: "\(location.endpoint.host)\(location.path)")
    }

    private func json(_ text: String, _ operation: ModelOperation = .imageGenerations) throws -> ImageRequest {
        try OpenAIImages.decode(try ModelRequestBody(ByteBuffer(string: text), operation: operation))
    }

    private func meaning(_ text: String) throws -> JSONValue { try JSONValue(parsing: text).meaning }

    private func edit(_ fields: [(String, String)] = [("prompt", "a hat")], images: [[UInt8]] = [ImageRequestTests.png], mask: [UInt8]? = nil) throws -> ImageRequest {
        var body = ByteBuffer()
        for (name, value) in fields { body.writeString("--b\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n") }
        for (name, file) in images.map({ (images.count > 1 ? "image[]" : "image", $0) }) + (mask.map { [("mask", $0)] } ?? []) {
            body.writeString("--b\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"x.png\"\r\nContent-Type: application/octet-stream\r\n\r\n")
            body.writeBytes(file)
            body.writeString("\r\n")
        }
        body.writeString("--b--\r\n")
        return try OpenAIImages.decode(try #require(MultipartForm(body, contentType: "multipart/form-data; boundary=b")))
    }

    // MARK: Gemini

    @Test func `Gemini makes an image in a chat of one message`() throws {
        let sent = try self.send(try self.json(#"{"model":"m","prompt":"a \"cat\"","size":"1536x1024","n":1,"quality":"auto","response_format":"b64_json"}"#), to: "gemini", "gemini-2.5-flash-image")
        #expect(
            sent.json
                == (try self.meaning(
                    #"{"contents":[{"role":"user","parts":[{"text":"a \"cat\""}]}],"generationConfig":{"responseModalities":["IMAGE"],"imageConfig":{"aspectRatio":"3:2"}}}"#)))
        #expect(sent.dropped.isEmpty)
        #expect(sent.place == "generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash-image:generateContent")
    }

    @Test func `a client's generationConfig goes before OpenAI's fields`() throws {
        let request = try self.json(
            #"{"prompt":"c","size":"1024x1792","seed":3,"generationConfig":{"temperature":0.5,"imageConfig":{"aspectRatio":"4:3","imageSize":"2K"}},"safetySettings":[{"category":"c","threshold":"t"}]}"#)
        let sent = try self.send(request, to: "gemini", "gemini-3-pro-image-preview", variant: "vertex", vertex: true)
        #expect(
            sent.json
                == (try self.meaning(
                    #"{"contents":[{"role":"user","parts":[{"text":"c"}]}],"generationConfig":{"temperature":0.5,"responseModalities":["IMAGE"],"seed":3,"imageConfig":{"aspectRatio":"4:3","imageSize":"2K"}},"safetySettings":[{"category":"c","threshold":"t"}]}"#)))
        #expect(sent.dropped.isEmpty)
        #expect(sent.place == "eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers/google/models/gemini-3-pro-image-preview:generateContent")
    }

    @Test(arguments: [
        ("gemini-3-pro-image", "2048x2048", #"{"aspectRatio":"1:1","imageSize":"2K"}"#, []), ("gemini-3-pro-image", "3840x2160", #"{"aspectRatio":"16:9","imageSize":"4K"}"#, []),
        ("gemini-2.5-flash-image", "2048x2048", #"{"aspectRatio":"1:1"}"#, ["size"]), ("gemini-2.5-flash-image", "1024x1792", #"{"aspectRatio":"9:16"}"#, []),
        ("gemini-2.5-flash-image", "1000x100", nil, ["size"]),
    ]) func `a size becomes the nearest ratio`(model: String, size: String, expected: String?, dropped: [String]) throws {
        let sent = try self.send(try self.json(#"{"prompt":"c","size":"\#(size)"}"#), to: "gemini", model)
        #expect(sent.json["generationConfig"]?["imageConfig"] == (try expected.map { try self.meaning($0) }))
        #expect(sent.dropped == dropped)
    }

    @Test func `the oldest model gives no image without text`() throws {
        let sent = try self.send(try self.json(#"{"prompt":"c"}"#), to: "gemini", "gemini-2.0-flash-preview-image-generation")
        #expect(sent.json["generationConfig"]?["responseModalities"] == ["TEXT", "IMAGE"])
    }

    @Test func `Gemini edits files that stand before the prompt`() throws {
        let sent = try self.send(try self.edit(images: [Self.png, Self.jpeg], mask: Self.png), to: "gemini", "gemini-2.5-flash-image")
        #expect(
            sent.json["contents"]?[0]?["parts"]
                == (try self.meaning(
                    #"[{"inlineData":{"mimeType":"image/png","data":"\#(Self.pngText)"}},{"inlineData":{"mimeType":"image/jpeg","data":"\#(Self.jpegText)"}},{"text":"a hat"}]"#)))
        #expect(sent.dropped == ["mask"])
    }

    @Test func `what Gemini cannot express is lost by name`() throws {
        let request = try self.json(
            #"{"prompt":"c","n":2,"quality":"high","background":"transparent","output_format":"webp","output_compression":50,"response_format":"url","style":"vivid","moderation":"low","user":"u","negative_prompt":"x"}"#)
        let all = ["n", "quality", "background", "output_format", "output_compression", "response_format", "negative_prompt", "user", "style", "moderation"]
        #expect(try self.send(request, to: "gemini", "gemini-2.5-flash-image").dropped == all)
        do {
            _ = try self.send(request, to: "gemini", "gemini-2.5-flash-image", policy: .error)
            Issue.record("was encoded")
        } catch let failure as ProviderFailure { #expect(failure.status == 400 && failure.code.description == "unsupported_field" && failure.parameter == "n") }
    }

    @Test func `Vertex has formats of its own`() throws {
        let sent = try self.send(
            try self.json(#"{"prompt":"c","output_format":"jpeg","output_compression":80}"#), to: "gemini", "gemini-2.5-flash-image", variant: "vertex", vertex: true)
        #expect(sent.json["generationConfig"]?["imageConfig"] == (try self.meaning(#"{"imageOutputOptions":{"mimeType":"image/jpeg","compressionQuality":80}}"#)))
        #expect(sent.dropped.isEmpty)
    }

    // MARK: Imagen

    @Test func `Imagen predicts`() throws {
        let request = try self.json(#"{"prompt":"c","n":3,"size":"2048x2048","output_format":"jpeg","output_compression":90,"personGeneration":"allow_adult","quality":"hd"}"#)
        let sent = try self.send(request, to: "gemini", "imagen-4.0-generate-001")
        #expect(
            sent.json
                == (try self.meaning(
                    #"{"instances":[{"prompt":"c"}],"parameters":{"sampleCount":3,"includeRaiReason":true,"aspectRatio":"1:1","sampleImageSize":"2K","outputOptions":{"mimeType":"image/jpeg","compressionQuality":90},"personGeneration":"allow_adult"}}"#)))
        #expect(sent.dropped == ["quality"])
        #expect(sent.place == "generativelanguage.googleapis.com/v1beta/models/imagen-4.0-generate-001:predict")
    }

    @Test func `Imagen edits with a mask on Vertex`() throws {
        let sent = try self.send(try self.edit([("prompt", "a hat"), ("seed", "7"), ("n", "2")], mask: Self.jpeg), to: "gemini", "imagen-3.0-capability-001", variant: "vertex", vertex: true)
        #expect(
            sent.json
                == (try self.meaning(
                    #"{"instances":[{"prompt":"a hat","referenceImages":[{"referenceType":"REFERENCE_TYPE_RAW","referenceId":1,"referenceImage":{"bytesBase64Encoded":"\#(Self.pngText)"}},{"referenceType":"REFERENCE_TYPE_MASK","referenceId":2,"referenceImage":{"bytesBase64Encoded":"\#(Self.jpegText)"},"maskImageConfig":{"maskMode":"MASK_MODE_USER_PROVIDED"}}]}],"parameters":{"sampleCount":2,"includeRaiReason":true,"editMode":"EDIT_MODE_INPAINT_INSERTION","seed":7}}"#)))
        #expect(sent.dropped.isEmpty)
        #expect(sent.place.hasSuffix("/publishers/google/models/imagen-3.0-capability-001:predict"))
        #expect(throws: ProviderFailure.self) { try self.send(try self.edit(), to: "gemini", "imagen-3.0-capability-001") }
    }

    // MARK: Bedrock

    @Test func `Amazon's models make images by task`() throws {
        let request = try self.json(#"{"prompt":"c","n":2,"size":"1280x720","quality":"high","seed":5,"negative_prompt":"rain","cfgScale":6.5,"output_format":"png","user":"u"}"#)
        let sent = try self.send(request, to: "bedrock", "amazon.nova-canvas-v1:0")
        #expect(
            sent.json
                == (try self.meaning(
                    #"{"taskType":"TEXT_IMAGE","textToImageParams":{"text":"c","negativeText":"rain"},"imageGenerationConfig":{"numberOfImages":2,"width":1280,"height":720,"quality":"premium","seed":5,"cfgScale":6.5}}"#)))
        #expect(sent.dropped == ["user"])
        #expect(sent.place == "bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-canvas-v1%3A0/invoke")
    }

    @Test func `Amazon's models paint inside a mask or vary images`() throws {
        let painted = try self.send(try self.edit([("prompt", "a hat"), ("size", "512x512"), ("quality", "low")], mask: Self.jpeg), to: "bedrock", "amazon.titan-image-generator-v2:0")
        #expect(
            painted.json
                == (try self.meaning(
                    #"{"taskType":"INPAINTING","inPaintingParams":{"image":"\#(Self.pngText)","maskImage":"\#(Self.jpegText)","text":"a hat"},"imageGenerationConfig":{"numberOfImages":1,"quality":"standard"}}"#)))
        #expect(painted.dropped == ["size"])
        let varied = try self.send(try self.edit([("prompt", "a hat"), ("similarityStrength", "0.9")], images: [Self.png, Self.jpeg]), to: "bedrock", "amazon.nova-canvas-v1:0")
        #expect(
            varied.json
                == (try self.meaning(
                    #"{"taskType":"IMAGE_VARIATION","imageVariationParams":{"images":["\#(Self.pngText)","\#(Self.jpegText)"],"text":"a hat","similarityStrength":0.9},"imageGenerationConfig":{"numberOfImages":1}}"#)))
        #expect(varied.dropped.isEmpty)
    }

    @Test func `Stability's models have formats of their own`() throws {
        let made = try self.send(try self.json(#"{"prompt":"c","n":2,"size":"1024x1024","output_format":"jpeg","negative_prompt":"rain","seed":5}"#), to: "bedrock", "stability.sd3-5-large-v1:0")
        #expect(made.json == (try self.meaning(#"{"prompt":"c","negative_prompt":"rain","seed":5,"output_format":"jpeg","aspect_ratio":"1:1"}"#)))
        #expect(made.dropped == ["n"])
        let changed = try self.send(try self.edit(mask: Self.jpeg), to: "bedrock", "us.stability.sd3-5-large-v1:0")
        #expect(changed.json == (try self.meaning(#"{"prompt":"a hat","image":"\#(Self.pngText)","mode":"image-to-image","strength":0.7}"#)))
        #expect(changed.dropped == ["mask"])
        let ultra = try self.send(try self.edit([("prompt", "a hat"), ("strength", "0.25")]), to: "bedrock", "stability.stable-image-ultra-v1:1")
        #expect(ultra.json == (try self.meaning(#"{"prompt":"a hat","image":"\#(Self.pngText)","strength":0.25}"#)))
        let painted = try self.send(try self.edit([("prompt", "a hat"), ("grow_mask", "5")], mask: Self.jpeg), to: "bedrock", "us.stability.stable-image-inpaint-v1:0")
        #expect(painted.json == (try self.meaning(#"{"prompt":"a hat","image":"\#(Self.pngText)","mask":"\#(Self.jpegText)","grow_mask":5}"#)))
        #expect(painted.dropped.isEmpty)
    }

    // MARK: DashScope

    @Test func `DashScope makes and edits images in one API`() throws {
        let made = try self.send(try self.json(#"{"prompt":"c","n":2,"size":"1328x1328","watermark":false,"seed":1,"response_format":"b64_json"}"#), to: "dashscope", "qwen-image-plus", variant: "images")
        #expect(
            made.json
                == (try self.meaning(
                    #"{"model":"qwen-image-plus","input":{"messages":[{"role":"user","content":[{"text":"c"}]}]},"parameters":{"n":2,"size":"1328*1328","seed":1,"watermark":false}}"#)))
        #expect(made.dropped == ["response_format"])
        #expect(made.place == "dashscope-intl.aliyuncs.com/api/v1/services/aigc/multimodal-generation/generation")
        let edited = try self.send(try self.edit([("prompt", "a hat"), ("response_format", "url"), ("prompt_extend", "false")], mask: Self.png), to: "dashscope", "qwen-image-edit-plus", variant: "images")
        #expect(
            edited.json
                == (try self.meaning(
                    #"{"model":"qwen-image-edit-plus","input":{"messages":[{"role":"user","content":[{"image":"data:image/png;base64,\#(Self.pngText)"},{"text":"a hat"}]}]},"parameters":{"prompt_extend":false}}"#)))
        #expect(edited.dropped == ["mask"])
    }

    // MARK: Reading

    @Test func `images of a JSON edit are URLs`() throws {
        let request = try self.json(#"{"prompt":"c","images":[{"image_url":"data:image/whatever;base64,\#(Self.pngText)"},{"image_url":"https://x.test/a.png"}],"moderation":"auto","partial_images":0}"#, .imageEdits)
        let sent = try self.send(request, to: "dashscope", "qwen-image-edit", variant: "images")
        #expect(
            sent.json["input"]?["messages"]?[0]?["content"]
                == (try self.meaning(#"[{"image":"data:image/png;base64,\#(Self.pngText)"},{"image":"https://x.test/a.png"},{"text":"c"}]"#)))
        #expect(sent.dropped.isEmpty)
        for (provider, model) in [("gemini", "gemini-2.5-flash-image"), ("bedrock", "amazon.nova-canvas-v1:0"), ("bedrock", "stability.sd3-5-large-v1:0")] {
            do {
                var only = request
                only.images.removeFirst()
                _ = try self.send(only, to: provider, model)
                Issue.record("\(model) was sent a URL")
            } catch let failure as ProviderFailure { #expect(failure.status == 400 && failure.parameter == "image") }
        }
    }

    @Test(arguments: [
        (#"{"model":"m"}"#, "prompt"), (#"{"prompt":""}"#, "prompt"), (#"{"prompt":["a"]}"#, "prompt"), (#"{"prompt":"c","n":0}"#, "n"), (#"{"prompt":"c","n":"two"}"#, "n"),
        (#"{"prompt":"c","size":"big"}"#, "size"), (#"{"prompt":"c","size":"0x5"}"#, "size"), (#"{"prompt":"c","size":1024}"#, "size"), (#"{"prompt":"c","quality":7}"#, "quality"),
    ]) func `what is no request for images is refused by its member`(body: String, parameter: String) throws {
        do {
            _ = try self.json(body)
            Issue.record("was read")
        } catch let failure as ProviderFailure { #expect(failure.status == 400 && failure.parameter == parameter) }
    }

    @Test func `what is no edit is refused by its field`() throws {
        func parameter(_ body: () throws -> ImageRequest) throws -> String? {
            do {
                _ = try body()
                return nil
            } catch let failure as ProviderFailure { return failure.status == 400 ? failure.parameter : "\(failure.status)" }
        }
        #expect(try parameter { try self.edit(images: []) } == "image")
        #expect(try parameter { try self.edit([("n", "1")]) } == "prompt")
        #expect(try parameter { try self.edit(images: [Array("%PDF-1.7 and more".utf8)]) } == "image")
        #expect(try parameter { try self.edit([("prompt", "c"), ("image", "text")]) } == "image")
        #expect(try parameter { try self.edit(images: Array(repeating: Self.png, count: 17)) } == "image")
        #expect(try parameter { try self.json(#"{"prompt":"c","images":[{"file_id":"file-1"}]}"#, .imageEdits) } == "images")
        #expect(try parameter { try self.json(#"{"prompt":"c","image":"data:image/png;base64,AAAA"}"#, .imageEdits) } == "image")
        #expect(try parameter { try self.json(#"{"prompt":"c","image":"file:///etc/passwd"}"#, .imageEdits) } == "image")
    }

    @Test func `a form's texts stay texts`() throws {
        let request = try self.edit([("prompt", "7"), ("model", "1.5"), ("user", "true"), ("stream", "true"), ("prompt_extend", "true"), ("note", "\"quoted\"")])
        #expect(request.prompt.string == "7" && request.model?.string == "1.5" && request.user?.string == "true" && request.isStream)
        #expect(request.extras.map(\.key) == ["prompt_extend", "note"])
        #expect(request.extras[0].value.bool == true && request.extras[1].value.string == "\"quoted\"")
    }
}
