import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Streams that end badly, or keep silent: what each provider says of it, and what clients of each format hear.
@Suite struct StreamFailureTests {
    private static func translate(_ format: any ClientFormat, from provider: String, _ text: String) throws -> (text: String, failure: ProviderError?, isWhole: Bool) {
        let adapter = try #require(ProviderCatalog.directory.adapter(provider, variant: provider == "ollama" ? "ollama" : nil) as? any TranslatingAdapter)
        let translator = ChatStreamTranslator(
            framing: adapter.streamFraming, decoder: adapter.makeStreamDecoder(), encoder: format.makeStreamEncoder(Translation.context(stream: true, usage: true)))
        try translator.feed(ByteBuffer(string: text))
        let isWhole = translator.finish()
        return (String(buffer: translator.takeOutput()), translator.failure, isWhole)
    }

    // MARK: Errors

    private static let begun = "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"

    @Test(arguments: [
        (#"{"error":{"message":"no","type":"overloaded_error"}}"#, 503), (#"{"error":{"message":"no","code":429}}"#, 429), (#"{"error":{"message":"no","code":7}}"#, 500),
        (#"{"error":{"message":"no","status":200}}"#, 500), (#"{"error":"no","error_type":"x"}"#, 500), (#"{"object":"error","message":"no","type":"BadRequestError","code":400}"#, 400),
        (#"{"object":"error","message":"no","type":"invalid_request_error"}"#, 400),
    ])
    func `an error of OpenAI's servers has whichever shape`(chunk: String, status: Int) throws {
        let (text, failure, isWhole) = try Self.translate(Translation.anthropic, from: "openai", Self.begun + "data: \(chunk)\n\ndata: [DONE]\n\n")
        #expect(failure?.status == status && failure?.message.string == "no" && isWhole)
        #expect(text.contains("event: error\n") && !text.contains("message_stop"))
    }

    @Test func `a chunk about something else is no error`() throws {
        let (_, failure, _) = try Self.translate(Translation.anthropic, from: "openai", "data: {\"prompt_filter_results\":[]}\n\ndata: {\"object\":\"note\",\"message\":\"x\"}\n\n" + Self.begun)
        #expect(failure == nil)
    }

    @Test(arguments: [#"{"finish_reason":"ERROR"}"#, #"{"finish_reason":"ERROR","error":"no"}"#, #"{"error":"no"}"#])
    func `Cohere's failed answer is no finished one`(delta: String) throws {
        let (text, failure, _) = try Self.translate(
            Translation.openAI, from: "cohere",
            "data: {\"type\":\"message-start\",\"id\":\"i\",\"delta\":{}}\n\ndata: {\"type\":\"message-end\",\"delta\":\(delta)}\n\n")
        #expect(failure?.status == 500)
        #expect(text.contains(#"{"error":{"message":"#) && !text.contains("finish_reason\":\"stop") && !text.contains("[DONE]"))
    }

    @Test(arguments: [#"{"code":503,"message":"no","status":"UNAVAILABLE"}"#, #"{"code":14,"message":"no","status":"UNAVAILABLE"}"#])
    func `Gemini's error has a status that is one`(error: String) throws {
        let (_, failure, _) = try Self.translate(Translation.openAI, from: "gemini", "data: {\"error\":\(error)}\n\n")
        #expect(try #require(failure).status == (error.contains("503") ? 503 : 500))
    }

    @Test func `AWS's failures outside the model have their text in a header`() throws {
        func header(_ name: String, _ value: String) -> [UInt8] {
            [UInt8(name.utf8.count)] + Array(name.utf8) + [7, UInt8(value.utf8.count >> 8), UInt8(value.utf8.count & 255)] + Array(value.utf8)
        }
        let headers = header(":message-type", "error") + header(":error-code", "ThrottledUpstream") + header(":error-message", "say \"less\"")
        var message = ByteBuffer()
        message.writeInteger(UInt32(16 + headers.count))
        message.writeInteger(UInt32(headers.count))
        message.writeInteger(Self.checksum(message))
        message.writeBytes(headers)
        message.writeInteger(Self.checksum(message))
        let adapter = try Translation.adapter("bedrock")
        let translator = ChatStreamTranslator(
            framing: adapter.streamFraming, decoder: adapter.makeStreamDecoder(), encoder: Translation.openAI.makeStreamEncoder(Translation.context(stream: true)))
        try translator.feed(message)
        #expect(translator.failure?.message.string == #"say "less""# && translator.failure?.code?.string == "ThrottledUpstream")
    }

    /// CRC-32 as AWS's framing has it (ISO 3309), bit by bit.
    private static func checksum(_ bytes: ByteBuffer) -> UInt32 {
        ~bytes.readableBytesView.reduce(UInt32.max) { sum, byte in (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) } }
    }

    // MARK: Cuts

    @Test func `without an end marker every choice has to have ended`() throws {
        func openAI(_ ends: [Int]) -> String {
            [0, 1].map { "data: {\"id\":\"c\",\"choices\":[{\"index\":\($0),\"delta\":{\"content\":\"a\"}}]}\n\n" }.joined()
                + ends.map { "data: {\"id\":\"c\",\"choices\":[{\"index\":\($0),\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" }.joined()
        }
        func gemini(_ ends: [Int]) -> String {
            let candidates = [0, 1].map { "{\"index\":\($0),\"content\":{\"parts\":[{\"text\":\"a\"}]}\(ends.contains($0) ? ",\"finishReason\":\"STOP\"" : "")}" }
            return "data: {\"candidates\":[\(candidates.joined(separator: ","))]}\n\n"
        }
        for (ends, isWhole) in [([], false), ([0], false), ([1], false), ([0, 1], true)] as [([Int], Bool)] {
            #expect(try Self.translate(Translation.openAI, from: "openai", openAI(ends)).isWhole == isWhole)
            #expect(try Self.translate(Translation.openAI, from: "gemini", gemini(ends)).isWhole == isWhole)
        }
    }

    // MARK: Silence

    @Test func `signs of life go on in the client's format`() throws {
        let comments = ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
        #expect(try Self.translate(Translation.openAI, from: "openrouter", comments).text.isEmpty)
        #expect(try Self.translate(Translation.cohere, from: "openrouter", comments).text == ":\n\n:\n\n")
        // Before its beginning a stream of Anthropic's has no event.
        #expect(try Self.translate(Translation.anthropic, from: "openrouter", comments).text == ":\n\n:\n\n")
        #expect(try Self.translate(Translation.anthropic, from: "openrouter", Self.begun + comments).text.hasSuffix("event: ping\ndata: {\"type\":\"ping\"}\n\n"))
        // Google's SDKs read nothing but data.
        #expect(try Self.translate(Translation.gemini, from: "openrouter", comments).text.isEmpty)
        #expect(try Self.translate(Translation.ollama, from: "openrouter", comments).text.isEmpty)
    }

    @Test func `a completion's sign of life is an empty text`() throws {
        let encoder = Translation.openAI.makeStreamEncoder(Translation.context(stream: true, operation: .completions))
        var output = ByteBuffer()
        for event in [ChatStreamEvent.begin(ChatStreamHead()), .keepAlive] { encoder.encode(event, into: &output) }
        let choice = try Translation.events(String(buffer: output)).last?["choices"]?[0]
        #expect(choice?["text"]?.stringValue == "" && choice?["finish_reason"] == .null)
    }

    @Test func `Anthropic's ping is one too`() throws {
        let (text, failure, _) = try Self.translate(
            Translation.openAI, from: "anthropic",
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\"}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n")
        let events = try Translation.events(text)
        #expect(events.count == 2 && events.last?["choices"]?[0]?["delta"] == .object([]) && events.last?["id"]?.stringValue == "m" && failure == nil)
    }

    // MARK: Untranslated

    @Test(arguments: [
        ("openai", #"{"error":{"message":"no"}}"#, true), ("openai", #"{"object":"error","message":"no"}"#, true), ("openai", #"{"id":"c","choices":[{"delta":{"content":"{\"error\""}}]}"#, false),
        ("openai", #"{"object":"chat.completion.chunk","choices":[]}"#, false), ("anthropic", #"{"type":"error","error":{"type":"overloaded_error","message":"no"}}"#, true),
        ("anthropic", #"{"type":"ping","error":1}"#, false), ("gemini", #"{"error":{"code":503,"message":"no"}}"#, true), ("gemini", #"{"candidates":[]}"#, false),
        ("cohere", #"{"type":"message-end","delta":{"finish_reason":"ERROR"}}"#, true), ("cohere", #"{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}"#, false),
        ("ollama", #"{"error":"no"}"#, true), ("ollama", #"{"done":true}"#, false),
    ])
    func `an error that passes as it is has been noticed`(provider: String, event: String, hasFailed: Bool) throws {
        let adapter = try #require(ProviderCatalog.directory.adapter(provider, variant: provider == "ollama" ? "ollama" : nil))
        let reader = adapter.makeReader(hidesUsage: false)
        #expect(Array(event.utf8).withUnsafeBytes { reader.event($0) } == .pass)
        #expect(reader.hasFailed == hasFailed)
    }
}
