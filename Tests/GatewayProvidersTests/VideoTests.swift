import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Videos as the vendors tell of them.
@Suite struct VideoTests {
    private func gemini(_ document: String) throws -> VideoAnswer { try GeminiVideos.decode(ByteBuffer(string: document)) }

    private static func done(_ response: String) -> String { #"{"name":"models/veo/operations/op1","done":true,"response":\#(response)}"# }

    @Test func `an operation is under way until it is done`() throws {
        for text in [#"{"name":"models/veo/operations/op1"}"#, #"{"name":"projects/p/locations/l/publishers/google/models/veo/operations/op1","done":false}"#] {
            let answer = try self.gemini(text)
            #expect(answer.status == .inProgress && answer.operation == "op1" && answer.content == nil)
        }
    }

    @Test func `a video is a file, bytes or elsewhere`() throws {
        let file = try self.gemini(Self.done(#"{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"https://g.test/v1beta/files/abc:download?alt=media"}}]}}"#))
        guard case .file("abc") = file.content else { return #expect(Bool(false), "\(file)") }
        let bytes = try self.gemini(Self.done(#"{"videos":[{"bytesBase64Encoded":"AAEC","mimeType":"video/mp4"}]}"#))
        guard case .bytes(let content, "video/mp4") = bytes.content else { return #expect(Bool(false), "\(bytes)") }
        #expect(content == ByteBuffer(bytes: [0, 1, 2]))
        let elsewhere = try self.gemini(Self.done(#"{"videos":[{"gcsUri":"gs://b/v.mp4","mimeType":"video/mp4"}]}"#))
        guard case .elsewhere("gs://b/v.mp4") = elsewhere.content else { return #expect(Bool(false), "\(elsewhere)") }
        #expect(file.status == .completed && bytes.status == .completed && elsewhere.status == .completed)
    }

    @Test func `what was filtered or went wrong has failed, with the reason`() throws {
        let filtered = try self.gemini(Self.done(#"{"generateVideoResponse":{"raiMediaFilteredCount":1,"raiMediaFilteredReasons":["not this"]}}"#))
        #expect(filtered.status == .failed && filtered.errorMessage?.string == "not this" && filtered.errorCode?.string == "moderation_blocked")
        let broken = try self.gemini(#"{"name":"models/veo/operations/op1","done":true,"error":{"code":13,"message":"inside"}}"#)
        #expect(broken.status == .failed && broken.errorMessage?.string == "inside")
        #expect(throws: ProviderFailure.self) { try self.gemini("{}") }
        #expect(throws: ProviderFailure.self) { try self.gemini(Self.done(#"{"videos":[{"bytesBase64Encoded":"*"}]}"#)) }
    }

    @Test(arguments: [("InProgress", VideoAnswer.Status.inProgress), ("Completed", .completed), ("Failed", .failed)])
    func `an invocation of Bedrock's`(status: String, expected: VideoAnswer.Status) throws {
        let arn = "arn:aws:bedrock:r:1:async-invoke/a"
        let answer = try BedrockVideos.decode(
            ByteBuffer(string: #"{"invocationArn":"\#(arn)","status":"\#(status)","failureMessage":"why","outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://b/p/"}}}"#))
        #expect(answer.status == expected && answer.operation == arn)
        if case .elsewhere(let address)? = answer.content { #expect(address == "s3://b/p/output.mp4" && expected == .completed) } else { #expect(expected != .completed) }
    }

    private func request(_ json: String) throws -> VideoRequest {
        try OpenAIVideos.decode(try ModelRequestBody(ByteBuffer(string: json), operation: .videoGenerations))
    }

    private func encoding(_ model: String, _ policy: UnsupportedPolicy = .drop) -> ChatEncoding {
        var settings = ProviderSettings()
        settings.bedrockVideoOutput = "s3://b"
        return ChatEncoding(model: model, isStream: false, settings: settings, policy: policy)
    }

    @Test(arguments: [
        (#"{"prompt":"p"}"#, #"{"instances":[{"prompt":"p"}],"parameters":{"sampleCount":1}}"#),
        (#"{"prompt":"p","seconds":"8","size":"1024x1792","seed":3}"#, #"{"instances":[{"prompt":"p"}],"parameters":{"sampleCount":1,"durationSeconds":8,"aspectRatio":"9:16","resolution":"1080p","seed":3}}"#),
        (#"{"prompt":"p","storageUri":"gs://theirs"}"#, #"{"instances":[{"prompt":"p"}],"parameters":{"sampleCount":1}}"#),
    ])
    func `a request as Veo wants it`(json: String, expected: String) throws {
        var encoding = self.encoding("veo")
        #expect(String(buffer: try GeminiVideos.encode(try self.request(json), &encoding)) == expected)
        #expect(encoding.dropped == (json.contains("storageUri") ? ["storageUri"] : []))
    }

    @Test func `what Veo does not make is refused, and what it has no place for where that is wanted`() throws {
        var encoding = self.encoding("veo", .error)
        #expect(throws: ProviderFailure.self) { try GeminiVideos.encode(try self.request(#"{"prompt":"p","size":"512x512"}"#), &encoding) }
        #expect(throws: ProviderFailure.self) { try GeminiVideos.encode(try self.request(#"{"prompt":"p","storageUri":"gs://theirs"}"#), &encoding) }
    }

    @Test(arguments: [
        ("amazon.nova-reel-v1:1", #"{"prompt":"p","seconds":12,"seed":4}"#, #""taskType":"MULTI_SHOT_AUTOMATED","multiShotAutomatedParams":{"text":"p"},"videoGenerationConfig":{"durationSeconds":12,"fps":24,"dimension":"1280x720","seed":4}"#),
        ("luma.ray-v2:0", #"{"prompt":"p","seconds":5,"size":"1280x720"}"#, #""prompt":"p","duration":"5s","aspect_ratio":"16:9","resolution":"720p""#),
    ])
    func `a request as models of Bedrock want it`(model: String, json: String, input: String) throws {
        var encoding = self.encoding(model)
        let expected = #"{"modelId":"\#(model)","modelInput":{\#(input)},"outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://b"}}}"#
        #expect(String(buffer: try BedrockVideos.encode(try self.request(json), &encoding)) == expected)
        #expect(encoding.dropped.isEmpty)
    }

    @Test func `other models of Bedrock are not guessed at`() throws {
        var encoding = self.encoding("twelvelabs.marengo")
        #expect(throws: ProviderFailure.self) { try BedrockVideos.encode(try self.request(#"{"prompt":"p"}"#), &encoding) }
    }

    @Test(arguments: [#"{"seconds":8}"#, #"{"prompt":"p","seconds":"long"}"#, #"{"prompt":"p","size":"big"}"#, #"{"prompt":"p","input_reference":"https://x.test/a.png"}"#, #"{"prompt":"p","input_reference":{"file_id":"f"}}"#, #"{"prompt":"p","input_reference":{"image_url":"data:image/png;base64,AAAA"}}"#])
    func `what is no request for a video says why`(json: String) {
        #expect(throws: ProviderFailure.self) { try self.request(json) }
    }
}
