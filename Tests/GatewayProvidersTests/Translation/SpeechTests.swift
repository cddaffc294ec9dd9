import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Spoken answers: Gemini's samples as `audio` of OpenAI's format, and the other way round.
@Suite struct SpeechTests {
    private static let samples = "audio/L16;codec=pcm;rate=24000"

    private static func base64(_ bytes: [UInt8]) -> String { String(buffer: Base64.encode(ByteBuffer(bytes: bytes))) }
    private static func bytes(_ text: String?) -> [UInt8]? { text.flatMap { Base64.decode(ByteBuffer(string: $0)) }.map { Array(buffer: $0) } }

    // MARK: Requests

    private static func request(_ members: String, stream: Bool = false, policy: UnsupportedPolicy = .drop) throws -> (configuration: JSONValue?, dropped: [String]) {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "gemini", stream: stream, policy: policy, #"{\#(members),"messages":[{"role":"user","content":"say it"}]}"#)
        return (json["generationConfig"], dropped)
    }

    @Test func `voice and modality are Gemini's`() throws {
        let (configuration, dropped) = try Self.request(#""modalities":["audio"],"audio":{"voice":"Kore","format":"wav"}"#)
        let expected = try Translation.json(#"{"responseModalities":["AUDIO"],"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}}}"#)
        #expect(configuration?.meaning == expected.meaning && dropped.isEmpty)
    }

    @Test func `what these models have not is named`() throws {
        let (configuration, dropped) = try Self.request(#""modalities":["text","audio"],"audio":{"voice":"alloy","format":"mp3","speed":2}"#)
        #expect(configuration?.meaning == (try Translation.json(#"{"responseModalities":["AUDIO"]}"#)).meaning)
        #expect(dropped == ["audio.voice", "audio.format", "audio.speed", "modalities[]: text"])
        #expect(try Self.request(#""modalities":["audio"],"audio":{"voice":{"id":"voice_1"},"format":"pcm16"}"#).dropped == ["audio.voice"])
        #expect(try Self.request(#""modalities":["audio"],"audio":{"voice":"Puck","format":"wav"}"#, stream: true).dropped == ["audio.format"])
        #expect(try Self.request(#""modalities":["text"],"audio":{"voice":"Puck","format":"wav"}"#).dropped == ["audio"])
        let failure = #expect(throws: ProviderFailure.self) { try Self.request(#""modalities":["audio"],"audio":{"voice":"alloy","format":"pcm16"}"#, policy: .error) }
        #expect(failure?.parameter == "audio.voice")
    }

    @Test func `pictures are still asked for with their text`() throws {
        let (configuration, dropped) = try Self.request(#""modalities":["text","image"]"#)
        #expect(configuration?["responseModalities"] == .array([.string("TEXT"), .string("IMAGE")]) && dropped.isEmpty)
    }

    @Test func `a client of Gemini's format asks OpenAI for samples and their text`() throws {
        let (json, dropped) = try Translation.request(
            Translation.gemini, to: "openai",
            #"{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"responseModalities":["AUDIO"],"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}}}}"#)
        #expect(json["modalities"] == .array([.string("text"), .string("audio")]))
        #expect(json["audio"]?.meaning == (try Translation.json(#"{"voice":"alloy","format":"pcm16"}"#)).meaning)
        #expect(dropped == ["generationConfig.speechConfig"])
    }

    // MARK: Answers

    private static func answer(_ parts: [String], wraps: Bool = false) throws -> JSONValue? {
        let text = #"{"candidates":[{"content":{"role":"model","parts":[\#(parts.joined(separator: ","))]},"finishReason":"STOP"}]}"#
        var context = Translation.context()
        context.wrapsSpeech = wraps
        let answer = try Translation.adapter("gemini").decode(ByteBuffer(string: text))
        return try JSONValue(parsing: Translation.openAI.encode(answer, context))["choices"]?[0]?["message"]
    }

    private static func part(_ bytes: [UInt8], type: String = SpeechTests.samples, _ more: String = "") -> String {
        #"{"inlineData":{"mimeType":"\#(type)","data":"\#(self.base64(bytes))"}\#(more)}"#
    }

    @Test func `speech is the message's audio`() throws {
        let message = try #require(try Self.answer([Self.part([1, 2, 3, 4], #","audioTranscription":{"text":"one \"two\""}"#)]))
        let audio = try #require(message["audio"])
        #expect(audio["id"]?.stringValue == "audio_r1_0" && audio["expires_at"]?.intValue == 1_700_000_000 && audio["transcript"]?.stringValue == #"one "two""#)
        #expect(Self.bytes(audio["data"]?.stringValue) == [1, 2, 3, 4])
        #expect(message["content"] == .null && message["images"] == nil)
    }

    @Test func `pieces of speech are one sound`() throws {
        let message = try Self.answer([Self.part([1, 2]), #"{"text":"beside"}"#, Self.part([3, 4, 5, 6])])
        #expect(Self.bytes(message?["audio"]?["data"]?.stringValue) == [1, 2, 3, 4, 5, 6])
        #expect(message?["content"]?.stringValue == "beside" && message?["audio"]?["transcript"]?.stringValue == "")
    }

    @Test func `samples become a file where the client wants one`() throws {
        let samples: [UInt8] = [1, 0, 2, 0, 3, 0]
        let file = try #require(Self.bytes(try Self.answer([Self.part(samples, type: "audio/L16;codec=pcm;rate=16000")], wraps: true)?["audio"]?["data"]?.stringValue))
        var reader = ByteBuffer(bytes: file)
        #expect(reader.readString(length: 4) == "RIFF" && reader.readInteger(endianness: .little, as: UInt32.self) == UInt32(36 + samples.count))
        #expect(reader.readString(length: 8) == "WAVEfmt " && reader.readInteger(endianness: .little, as: UInt32.self) == 16)
        #expect(reader.readInteger(endianness: .little, as: UInt16.self) == 1 && reader.readInteger(endianness: .little, as: UInt16.self) == 1)
        #expect(reader.readInteger(endianness: .little, as: UInt32.self) == 16_000 && reader.readInteger(endianness: .little, as: UInt32.self) == 32_000)
        #expect(reader.readInteger(endianness: .little, as: UInt16.self) == 2 && reader.readInteger(endianness: .little, as: UInt16.self) == 16)
        #expect(reader.readString(length: 4) == "data" && reader.readInteger(endianness: .little, as: UInt32.self) == UInt32(samples.count))
        #expect(Array(buffer: reader) == samples)
        // What has a container keeps it.
        #expect(Self.bytes(try Self.answer([Self.part([9, 9], type: "audio/mpeg")], wraps: true)?["audio"]?["data"]?.stringValue) == [9, 9])
    }

    @Test func `pictures stay pictures`() throws {
        let message = try Self.answer([#"{"inlineData":{"mimeType":"image/png","data":"iVBO"}}"#])
        #expect(message?["images"]?[0]?["image_url"]?["url"]?.stringValue == "data:image/png;base64,iVBO" && message?["audio"] == nil)
    }

    @Test func `a sound of OpenAI's is a part of Gemini's`() throws {
        let answer = try Translation.answer(
            Translation.gemini, from: "openai",
            #"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"audio":{"id":"a","data":"AQI=","transcript":"hi","expires_at":9}},"finish_reason":"stop"}]}"#)
        let part = answer["candidates"]?[0]?["content"]?["parts"]?[0]
        #expect(part?["inlineData"]?.meaning == (try Translation.json(#"{"mimeType":"\#(Self.samples)","data":"AQI="}"#)).meaning)
        #expect(part?["audioTranscription"]?["text"]?.stringValue == "hi")
    }

    // MARK: Streams

    /// Pieces whose lengths are no multiples of what base64 or a sample has.
    private static let pieces: [[UInt8]] = [[1, 2, 3, 4], [], [5, 6, 7], [8], Array(9...30), [31, 32]]

    private static func stream() -> String {
        self.pieces.enumerated().map { index, piece in
            let end = index == self.pieces.count - 1 ? #","finishReason":"STOP""# : ""
            return "data: {\"candidates\":[{\"content\":{\"parts\":[\(self.part(piece))]}\(end)}],\"modelVersion\":\"g\"}\n\n"
        }.joined()
    }

    @Test(arguments: [1, 7, 10_000])
    func `a stream's pieces can be decoded one by one, or joined`(size: Int) throws {
        let (text, _, isWhole) = try Translation.stream(Translation.openAI, from: "gemini", Self.stream(), size: size)
        #expect(isWhole)
        let audio = try Translation.events(text).compactMap { $0["choices"]?[0]?["delta"]?["audio"] }
        let data = audio.compactMap { $0["data"]?.stringValue }
        #expect(data.dropLast().allSatisfy { !$0.contains("=") && (Self.bytes($0)?.count ?? 1) % 2 == 0 })
        #expect(data.flatMap { Self.bytes($0) ?? [] } == Self.pieces.flatMap { $0 })
        #expect(Self.bytes(data.joined()) == Self.pieces.flatMap { $0 })
        #expect(audio.compactMap { $0["id"]?.stringValue } == ["audio_r1_0"] && audio.first?["id"] != nil)
        #expect(audio.compactMap { $0["expires_at"]?.intValue } == [1_700_000_000] && audio.last?["expires_at"] != nil)
        #expect(text.hasSuffix("data: [DONE]\n\n"))
    }

    @Test func `a stream of OpenAI's speaks in Gemini's format`() throws {
        let chunks = [#"{"audio":{"id":"a","transcript":"h"}}"#, #"{"audio":{"data":"AQI="}}"#, #"{"audio":{"expires_at":9}}"#].map {
            "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":\($0)}]}\n\n"
        }
        let end = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        let (text, _, _) = try Translation.stream(Translation.gemini, from: "openai", chunks.joined() + end)
        let parts = try Translation.events(text).compactMap { $0["candidates"]?[0]?["content"]?["parts"]?[0] }
        #expect(parts.first?["audioTranscription"]?["text"]?.stringValue == "h")
        #expect(parts.dropFirst().first?["inlineData"]?["data"]?.stringValue == "AQI=")
    }
}
