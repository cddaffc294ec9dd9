import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// What vendors' answers with images mean.
@Suite struct ImageAnswerTests {
    private func read(_ text: String, from provider: String, variant: String? = nil) throws -> ImageAnswer {
        try #require(ProviderCatalog.directory.adapter(provider, variant: variant) as? any TranslatingAdapter).decodeImages(ByteBuffer(string: text))
    }

    private func sources(_ answer: ImageAnswer) -> [String] {
        answer.images.map { image in
            switch image.source {
            case .base64(let data): "\(image.mediaType?.string ?? "?") \(data.string)"
            case .url(let url): url.string
            case .text, .file: "?"
            }
        }
    }

    @Test func `Gemini's images stand among texts and thoughts`() throws {
        let answer = try self.read(
            #"{"candidates":[{"content":{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"dGhpbms="},"thought":true},{"text":"Here:"},{"inlineData":{"mimeType":"image/jpeg","data":"aW1n"},"thoughtSignature":"s"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1290,"thoughtsTokenCount":10,"promptTokensDetails":[{"modality":"TEXT","tokenCount":5},{"modality":"IMAGE","tokenCount":4}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}]},"modelVersion":"gemini-x","responseId":"r"}"#,
            from: "gemini")
        #expect(self.sources(answer) == ["image/jpeg aW1n"])
        #expect(answer.usage?.input == 9 && answer.usage?.output == 1300 && answer.inputImageTokens == 4 && answer.outputImageTokens == 1290)
        #expect(answer.model?.string == "gemini-x" && answer.id?.string == "r" && answer.finishReason?.string == "STOP" && answer.refusal == nil)
    }

    @Test(arguments: [
        (#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9}}"#, "PROHIBITED_CONTENT", "A safety filter of the provider stopped the request"),
        (#"{"candidates":[{"finishReason":"IMAGE_SAFETY","finishMessage":"Unable to show it."}]}"#, "IMAGE_SAFETY", "Unable to show it."),
        (#"{"predictions":[{"raiFilteredReason":"Filtered: 58061214"}]}"#, "raiFilteredReason", "Filtered: 58061214"),
    ]) func `Google's filters are a refusal`(body: String, reason: String, message: String) throws {
        let answer = try self.read(body, from: "gemini")
        #expect(answer.images.isEmpty && answer.finishReason?.string == reason && answer.refusal?.string == message)
    }

    @Test(arguments: [#"{"candidates":[{"content":{"parts":[{"text":"No."}]},"finishReason":"STOP"}]}"#, #"{"candidates":[{"finishReason":"NO_IMAGE"}]}"#, "{}", #"{"predictions":[]}"#])
    func `an answer of Google's without an image is no refusal`(body: String) throws {
        let answer = try self.read(body, from: "gemini")
        #expect(answer.images.isEmpty && answer.refusal == nil)
    }

    @Test func `Imagen tells the prompt it wrote`() throws {
        let answer = try self.read(#"{"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"aW1n","prompt":"a large cat"},{"raiFilteredReason":"x"}]}"#, from: "gemini")
        #expect(self.sources(answer) == ["image/png aW1n"] && answer.images[0].revisedPrompt?.string == "a large cat" && answer.usage == nil)
    }

    @Test func `Bedrock's images have the type of their bytes`() throws {
        let answer = try self.read(#"{"images":["\#(ImageRequestTests.pngText)","\#(ImageRequestTests.jpegText)","AAAA"],"error":null}"#, from: "bedrock")
        #expect(self.sources(answer) == ["image/png \(ImageRequestTests.pngText)", "image/jpeg \(ImageRequestTests.jpegText)", "? AAAA"])
        #expect(answer.refusal == nil)
    }

    @Test(arguments: [
        (#"{"images":[],"error":"Blocked by our content filters."}"#, "Blocked by our content filters."),
        (#"{"seeds":[1],"finish_reasons":["Filter reason: prompt"],"images":[]}"#, "The provider stopped the request: Filter reason: prompt"),
        (#"{"finish_reasons":["Inference error"]}"#, nil),
    ]) func `Bedrock's filters are a refusal and its failures are none`(body: String, refusal: String?) throws {
        let answer = try self.read(body, from: "bedrock")
        #expect(answer.images.isEmpty && answer.refusal?.string == refusal && answer.finishReason != nil)
    }

    @Test func `DashScope names its images`() throws {
        let answer = try self.read(
            #"{"output":{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":[{"image":"https://oss.test/1.png?x=1"},{"image":"https://oss.test/2.png"}]}}]},"usage":{"width":1328,"image_count":2,"height":1328},"request_id":"q"}"#,
            from: "dashscope", variant: "images")
        #expect(self.sources(answer) == ["https://oss.test/1.png?x=1", "https://oss.test/2.png"])
        #expect(answer.usage == nil && answer.id?.string == "q" && answer.finishReason?.string == "stop")
    }

    @Test func `DashScope's errors keep what they say`() throws {
        let adapter = try #require(ProviderCatalog.directory.adapter("dashscope", variant: "images") as? any TranslatingAdapter)
        let blocked = adapter.readError(status: 400, body: ByteBuffer(string: #"{"request_id":"q","code":"DataInspectionFailed","message":"Input data may contain inappropriate content."}"#))
        #expect(blocked.status == 400 && blocked.code?.string == "moderation_blocked" && blocked.message.string == "Input data may contain inappropriate content.")
        let limited = adapter.readError(status: 429, body: ByteBuffer(string: #"{"code":"Throttling.RateQuota","message":"m"}"#))
        #expect(limited.failure == .rateLimited && limited.code?.string == "Throttling.RateQuota")
        #expect(adapter.readError(status: 500, body: ByteBuffer(string: "<html>")).message.string == "The provider answered with status 500")
    }

    @Test(arguments: [("gemini", nil), ("bedrock", nil), ("dashscope", "images")] as [(String, String?)], ["[1]", "no JSON", #""text""#])
    func `what is no answer of a vendor is told so`(provider: (String, String?), body: String) throws {
        do {
            _ = try self.read(body, from: provider.0, variant: provider.1)
            Issue.record("was read")
        } catch let failure as ProviderFailure { #expect(failure.status == 502 && failure.code.description == "answer_unreadable") }
    }

    @Test func `providers without images say so`() throws {
        var encoding = ChatEncoding(model: "m", isStream: false, settings: ProviderSettings())
        let adapter = try #require(ProviderCatalog.directory.adapter("cohere") as? any TranslatingAdapter)
        #expect(throws: ProviderFailure.self) { try adapter.encode(ImageRequest(prompt: ChatText("c")), &encoding) }
        #expect(throws: ProviderFailure.self) { try adapter.decodeImages(ByteBuffer(string: "{}")) }
    }
}
