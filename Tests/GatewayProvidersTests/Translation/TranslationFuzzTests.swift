import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

/// Bytes that no vendor and no client would send: whatever comes, what goes out is readable in its format or nothing.
@Suite struct TranslationFuzzTests {
    private struct Random {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            // xorshift64*: the same sequence on every run.
            self.state ^= self.state >> 12
            self.state ^= self.state << 25
            self.state ^= self.state >> 27
            return Int((self.state &* 2_685_821_657_736_338_717) >> 33) % max(bound, 1)
        }
    }

    private static let interesting: [UInt8] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x0a, 0x0d, 0x3a, 0x2c, 0x00, 0x80, 0xff, 0x30]

    /// A few bytes changed, left out, doubled or cut off.
    private static func mutated(_ text: String, _ random: inout Random) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0...random.next(4) where bytes.count > 2 {
            let at = random.next(bytes.count)
            switch random.next(5) {
            case 0: bytes[at] = self.interesting[random.next(self.interesting.count)]
            case 1: bytes.remove(at: at)
            case 2: bytes.insert(self.interesting[random.next(self.interesting.count)], at: at)
            case 3: bytes.removeSubrange(at..<min(bytes.count, at + random.next(40)))
            default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + random.next(60))], at: at)
            }
        }
        return bytes
    }

    private static let formats: [any ClientFormat] = [Translation.openAI, Translation.anthropic, Translation.gemini, Translation.cohere, Translation.ollama]

    @Test(arguments: [("openai", OpenAIProviderTests.stream), ("anthropic", AnthropicProviderTests.stream), ("gemini", GeminiTests.stream)])
    func `broken streams become readable events or an end`(provider: String, stream: String) throws {
        var random = Random(state: 0x9E37_79B9_7F4A_7C15)
        let adapter = try Translation.adapter(provider)
        for _ in 0..<400 {
            let format = Self.formats[random.next(Self.formats.count)]
            let translator = ChatStreamTranslator(
                framing: adapter.streamFraming, decoder: adapter.makeStreamDecoder(), encoder: format.makeStreamEncoder(Translation.context(stream: true, usage: true)))
            var rest = ByteBuffer(bytes: Self.mutated(stream, &random))
            var output = ByteBuffer()
            do {
                while rest.readableBytes > 0, let piece = rest.readSlice(length: min(rest.readableBytes, 1 + random.next(200))) {
                    try translator.feed(piece)
                    output.writeImmutableBuffer(translator.takeOutput())
                }
                _ = translator.finish()
            } catch {
                translator.fail(ProviderError(status: error.status, message: error.message, code: error.code))
            }
            output.writeImmutableBuffer(translator.takeOutput())
            for line in String(buffer: output).split(separator: "\n") where line.hasPrefix("{") || line.hasPrefix("data: ") && line != "data: [DONE]" {
                #expect(throws: Never.self) { try JSONValue(parsing: String(line.hasPrefix("{") ? line : line.dropFirst(6))) }
            }
        }
    }

    @Test(arguments: ["openai", "anthropic", "gemini", "cohere"])
    func `broken requests are refused or become JSON`(provider: String) throws {
        var random = Random(state: 0xD1B5_4A32_D192_ED03)
        let adapter = try Translation.adapter(provider)
        let seed =
            #"{"model":"m","max_tokens":5,"stop":["a"],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"é"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}],"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#
        for _ in 0..<1_500 {
            let bytes = ByteBuffer(bytes: Self.mutated(seed, &random))
            guard let body = try? ModelRequestBody(bytes, operation: .chat), body.isObject else { continue }
            for format in Self.formats {
                var encoding = ChatEncoding(model: "m", isStream: false, settings: ProviderSettings())
                do {
                    let encoded = try adapter.encode(try format.decode(ClientRequest(body: body)), &encoding)
                    #expect(throws: Never.self, "\(String(buffer: encoded))") { try JSONScanner.scan(encoded) }
                } catch {
                    #expect(error.status == 400)
                }
            }
        }
    }

    @Test(arguments: ["openai", "anthropic", "gemini", "cohere"])
    func `broken answers are the provider's failure or become JSON`(provider: String) throws {
        var random = Random(state: 0xA076_1D64_78BD_642F)
        let adapter = try Translation.adapter(provider)
        let seeds = [
            #"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"a","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
            #"{"id":"m","type":"message","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}"#,
            #"{"candidates":[{"content":{"parts":[{"text":"a"},{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1}}"#,
        ]
        for round in 0..<1_500 {
            let bytes = ByteBuffer(bytes: Self.mutated(seeds[round % 3], &random))
            _ = adapter.readError(status: 500, body: bytes)
            do {
                let answer = try adapter.decode(bytes)
                for format in Self.formats {
                    let encoded = format.encode(answer, Translation.context())
                    #expect(throws: Never.self, "\(String(buffer: encoded))") { try JSONScanner.scan(encoded) }
                }
            } catch {
                #expect(error.status == 502)
            }
        }
    }
}

/// Numbers a provider may claim, and no arithmetic may fail at.
@Suite struct ClaimedNumberTests {
    private static let most = "9223372036854775807"

    @Test func `counts beyond all reason are counted as much`() throws {
        for (provider, text) in [
            ("openai", #"{"choices":[],"usage":{"prompt_tokens":N,"completion_tokens":N,"prompt_tokens_details":{"cached_tokens":N}}}"#),
            ("anthropic", #"{"content":[],"usage":{"input_tokens":N,"output_tokens":N,"cache_read_input_tokens":N,"cache_creation_input_tokens":N}}"#),
            ("gemini", #"{"candidates":[],"usageMetadata":{"promptTokenCount":N,"toolUsePromptTokenCount":N,"candidatesTokenCount":N,"thoughtsTokenCount":N}}"#),
            (
                "bedrock",
                #"{"output":{"message":{"content":[]}},"usage":{"inputTokens":N,"outputTokens":N,"cacheReadInputTokens":N,"cacheWriteInputTokens":N,"cacheDetails":[{"ttl":"1h","inputTokens":N}]}}"#
            ),
        ] {
            for number in [Self.most, "-\(Self.most)", "1e400", "-1"] {
                let answer = try Translation.adapter(provider).decode(ByteBuffer(string: text.replacing("N", with: number)))
                let usage = try #require(answer.usage)
                #expect(usage.total >= 0 && usage.evidence.total >= 0)
                for format in [Translation.openAI, Translation.anthropic, Translation.gemini, Translation.cohere, Translation.ollama] as [any ClientFormat] { _ = format.encode(answer, Translation.context()) }
            }
        }
    }

    /// Numbers with the most that may be made of each.
    private static let claims: [(number: String, most: Int64)] = [
        (Self.most, 1 << 48), ("999999999999999999", 1 << 48), ("-999999999999999999", 0), ("-\(Self.most)", 0), ("99999999999999999999", 1 << 48), ("1e400", 0), ("-1", 0), ("7", 7),
    ]

    private static func check(_ usage: TokenUsage, _ most: Int64, _ sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(usage.source == .providerReported, sourceLocation: sourceLocation)
        for count in [usage.output, usage.cachedInput, usage.reasoning, usage.cacheWrites, usage.hourCacheWrites, usage.inputAudio, usage.outputAudio] {
            #expect((0...most).contains(count), sourceLocation: sourceLocation)
        }
        // Bedrock's input is the sum of three numbers.
        #expect((0...(3 * most)).contains(usage.input), sourceLocation: sourceLocation)
    }

    @Test func `what passes untranslated is counted within reason, as a document and as a stream`() throws {
        let details = #""prompt_tokens_details":{"cached_tokens":N,"audio_tokens":N},"completion_tokens_details":{"reasoning_tokens":N,"audio_tokens":N}"#
        let chat = #"{"model":"m","choices":[],"usage":{"prompt_tokens":N,"completion_tokens":N,"total_tokens":N,\#(details)}}"#
        let response =
            #"{"id":"r","usage":{"input_tokens":N,"output_tokens":N,"input_tokens_details":{"cached_tokens":N,"audio_tokens":N},"output_tokens_details":{"reasoning_tokens":N,"audio_tokens":N}}}"#
        let generated = #"{"generated_text":"x","details":{"finish_reason":"length","generated_tokens":N,"input_length":N}}"#
        let converse = #"{"stopReason":"end_turn","usage":{"inputTokens":N,"outputTokens":N,"cacheReadInputTokens":N,"cacheWriteInputTokens":N}}"#
        for (number, most) in Self.claims {
            for (text, makeReader) in [
                (chat, { OpenAIResponseReader(hidesUsage: false) }), (response, { OpenAIOperationReader() }), (generated, { TextGenerationReader() }), (converse, { BedrockResponseReader() }),
            ] as [(String, () -> any ModelResponseReader)] {
                let bytes = ByteBuffer(string: text.replacing("N", with: number))
                let whole = makeReader(), streamed = makeReader()
                whole.document(bytes)
                _ = bytes.withUnsafeReadableBytes { streamed.event($0) }
                for facts in [whole.facts, streamed.facts] where facts.usage.source != .none || number == "7" { Self.check(facts.usage, most) }
            }
        }
    }

    @Test func `a model that Llama's own format answers for claims no more`() throws {
        for (number, most) in Self.claims {
            let answer = try LlamaRawProvider().decode(ByteBuffer(string: #"[{"generated_text":"x","details":{"generated_tokens":\#(number)}}]"#))
            #expect((0...most).contains(Int64(answer.usage?.output ?? 0)), "\(number)")
        }
    }

    @Test func `numbers that are added up do not overflow, however many there are`() throws {
        let writes = Array(repeating: #"{"ttl":"1h","inputTokens":\#(Self.most)}"#, count: 33_000).joined(separator: ",")
        let inputs = Array(repeating: #""inputTokens":\#(Self.most)"#, count: 4_000).joined(separator: ",")
        let usage = BedrockAnswerDecoder.usage(try JSONDocument(ByteBuffer(string: #"{\#(inputs),"cacheDetails":[\#(writes)],"cacheReadInputTokens":1}"#)).root)
        #expect(usage.input == (1 << 48) + 1 && usage.hourCacheWrites == 1 << 48)
    }

    @Test func `a delay that is no time is none`() throws {
        for delay in ["1e300s", "nans", "-5s", "infs", "s", "12"] {
            let body = #"{"error":{"message":"m","details":[{"retryDelay":"D"}]}}"#.replacing("D", with: delay)
            let seconds = try Translation.adapter("gemini").readError(status: 429, body: ByteBuffer(string: body)).retryAfterSeconds
            #expect(seconds == nil || seconds == 86_400, "\(delay)")
        }
    }
}
