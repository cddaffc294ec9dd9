import Foundation
import GatewayCore
@testable import GatewayPlugins
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AIPromptCompressorTests {
    private func fixture(_ config: String = "compression_ranges: [{min_tokens: 0, max_tokens: 100000, value: 0.5}]") throws(ConfigurationError) -> GuardFixture {
        try GuardFixture("{name: ai-prompt-compressor, config: {\(config)}}")
    }
    private func fields(_ record: RecordedRequest) -> [String: String] { GuardFixture.fields(record, "ai-prompt-compressor request") }

    private static let text = """
        Please could you very kindly summarize the quarterly report for the board of directors? The report describes how revenue grew by 12.5% in Europe while costs fell. \
        It was really quite a good year for everybody, and we are just very happy about it. Do not mention the lawsuit. The code `let x = 41 + 1` and "this exact quotation" must stay.
        """

    @Test func `a prompt becomes about as short as configured, and what must stay stays`() async throws {
        let fixture = try self.fixture()
        let (_, record) = try await fixture.say(Self.text)
        let sent = try #require(fixture.sentContents.first)
        for kept in ["12.5%", "`let x = 41 + 1`", "\"this exact quotation\"", "not", "lawsuit", "quarterly", "revenue", "Europe"] { #expect(sent.contains(kept), "\(kept): \(sent)") }
        for dropped in ["Please", "kindly", "really", "very"] { #expect(!sent.contains(dropped), "\(dropped): \(sent)") }
        let fields = self.fields(record)
        let before = try #require(fields["pellucid.compressor.original_token_count"].flatMap { Int($0) }), after = try #require(fields["pellucid.compressor.compress_token_count"].flatMap { Int($0) })
        #expect(after <= (before + 1) / 2 + 2 && after > before / 4, "\(before) to \(after)")
        #expect(fields["pellucid.compressor.save_token_count"] == "\(before - after)")
        #expect(fields["pellucid.compressor.compress_items"] == "[{\"msg_id\":1,\"original_token_count\":\(before),\"compress_token_count\":\(after),\"save_token_count\":\(before - after),\"compress_type\":\"rate\",\"compress_value\":0.5}]")
        #expect(!fields.values.contains { $0.contains("lawsuit") })
    }

    @Test func `only messages of the configured kinds are touched, and never tools`() async throws {
        let fixture = try self.fixture("message_type: [system], compression_ranges: [{min_tokens: 0, max_tokens: 1000, value: 0.3}]")
        let body = """
            {"messages":[{"role":"system","content":"You are really a very helpful assistant for customers."},{"role":"user","content":"Please say it very kindly."},\
            {"role":"tool","content":"really very long result"}],"tools":[{"type":"function","function":{"name":"f","description":"Please be really very kind."}}]}
            """
        _ = try await fixture.post(body)
        #expect(fixture.sentContents[0].count < "You are really a very helpful assistant for customers.".count)
        #expect(fixture.sentContents[1...] == ["Please say it very kindly.", "really very long result"])
        let tools = "\(fixture.sent?["tools"] ?? "")"
        #expect(tools.contains("Please be really very kind."))
    }

    @Test func `texts outside every range and below the target stay as they are`() async throws {
        let ranges = try self.fixture("compression_ranges: [{min_tokens: 500, max_tokens: 1000, value: 0.5}]")
        _ = try await ranges.say(Self.text)
        #expect(ranges.sentContents == [Self.text])
        let target = try self.fixture("compressor_type: target_token, compression_ranges: [{min_tokens: 0, max_tokens: 10000, value: 30}]")
        _ = try await target.say("A short text.")
        #expect(target.sentContents == ["A short text."])
        let (_, record) = try await target.say(Self.text)
        #expect(self.fields(record)["pellucid.compressor.compress_token_count"].flatMap { Int($0) }.map { $0 < 45 } == true)
    }

    @Test func `between tags only what they hold is compressed, and the tags go`() async throws {
        let fixture = try self.fixture()
        _ = try await fixture.say("<LLMLINGUA>It is really a very long context that says very little about anything.</LLMLINGUA> | Please, is it really so?")
        let sent = try #require(fixture.sentContents.first)
        #expect(sent.hasSuffix(" | Please, is it really so?") && !sent.contains("LLMLINGUA") && sent.count < 75, "\(sent)")
    }

    @Test func `Kong's service compresses where it is named`() async throws {
        let fixture = try self.fixture("compressor_url: \"http://zip.test:9/\", compression_ranges: [{min_tokens: 0, max_tokens: 10, value: 0.8}]")
        fixture.engine.http.on(
            "http://zip.test:9/llm/v1/compressPrompt",
            json: #"{"text":[{"compress_prompt":"short","compressor_results":{"msg_id":1,"original_token_count":17,"compress_token_count":4,"save_token_count":13},"msg_id":1}],"duration":9}"#)
        let (_, record) = try await fixture.say("a long text")
        #expect(fixture.sentContents == ["short"])
        #expect(fixture.engine.http.calls.map(\.text) == [#"{"text":[{"msg_id":1,"text":"a long text"}],"compressor_type":"rate","compression_ranges":[{"min_tokens":0,"max_tokens":10,"value":0.8}]}"#])
        #expect(self.fields(record)["pellucid.compressor.save_token_count"] == "13" && self.fields(record)["pellucid.compressor.compressor_model"] == "service")
    }

    @Test func `a service that fails ends the request, or lets the prompt pass visibly`() async throws {
        let strict = try self.fixture("compressor_url: \"http://zip.test\", compression_ranges: [{min_tokens: 0, max_tokens: 10, value: 0.8}]")
        strict.engine.http.on("http://zip.test", status: 503, json: "{}")
        #expect(try await strict.say("text").client.status == 500)
        let lenient = try self.fixture("compressor_url: \"http://zip.test\", stop_on_error: false, compression_ranges: [{min_tokens: 0, max_tokens: 10, value: 0.8}]")
        lenient.engine.http.on("http://zip.test", status: 503, json: "{}")
        let (client, record) = try await lenient.say("text")
        #expect(client.status == 200 && lenient.sentContents == ["text"])
        #expect(self.fields(record)["pellucid.compressor.error"] == "compressor_service_status")
    }

    @Test(arguments: [
        ("", "is required"), ("compression_ranges: [{min_tokens: 0, max_tokens: 1, value: 2}]", "value"), ("compression_ranges: [{min_tokens: 5, max_tokens: 1, value: 0.5}]", "larger than max_tokens"),
        ("compression_ranges: [{min_tokens: 0, max_tokens: 1, value: 0.5}], compressor_url: zip", "http or https"),
    ])
    func `what cannot be meant is refused`(config: String, problem: String) {
        let problems = EngineFixture.problems("services: [{name: s, url: \"http://h/\", plugins: [{name: ai-prompt-compressor, config: {\(config)}}]}]", plugins: PluginRegistrations.all)
        #expect(problems.count == 1 && problems[0].contains(problem), "\(problems)")
    }

    // MARK: The compressor by itself

    private static let kept = ["```swift\nlet a = 1 // really very\n```", "`code`", "\"a quotation, really\"", "3,141.59", "https://example.com/a?b=really", "{\"a\": [1, 2]}", "<b>", "PLACEHOLDER12", "a@b.example", "„sehr schön“", "「引用」"]
    private static let fillers = ["really", "very", "the", "of", "please", "a", "and", "house", "report", "revenue", "not", "Ärger", "日本語のテキスト", ",", ".", "!", "(", ")", "\n", "\n\n", "-", "’"]

    @Test func `whatever a text holds, what must stay is there byte by byte and in order, and nothing is put in`() {
        var random = SeededRandom(5)
        let compressor = PromptCompressor()
        for _ in 0..<600 {
            var text = "", kept: [String] = []
            for _ in 0..<random.next(40) + 1 {
                if random.next(5) == 0 {
                    let piece = random.pick(Self.kept)
                    kept.append(piece)
                    text += " " + piece + " "
                } else {
                    text += " " + random.pick(Self.fillers)
                }
            }
            let bytes = Array(text.utf8)
            let total = compressor.tokens(of: bytes)
            let result = compressor.compress(bytes, keep: random.next(total + 2))
            let output = String(decoding: result.text, as: UTF8.self)
            var rest = Substring(output)
            for piece in kept {
                guard let range = rest.range(of: piece) else {
                    Issue.record("\(piece) is missing in \(output) of \(text)")
                    break
                }
                rest = rest[range.upperBound...]
            }
            #expect(String(validating: result.text, as: UTF8.self) != nil)
            #expect(result.tokens <= total && result.originalTokens == total)
            // A subsequence of the words that were there.
            let words = text.split(whereSeparator: \.isWhitespace), left = output.split(whereSeparator: \.isWhitespace)
            #expect(left.count <= words.count + 1, "\(output)")
        }
    }

    @Test func `any bytes are survived, in time that grows with them`() {
        var random = SeededRandom(9)
        let compressor = PromptCompressor()
        for _ in 0..<300 {
            let bytes = (0..<random.next(200)).map { _ in UInt8(truncatingIfNeeded: random.next(256)) }
            _ = compressor.compress(bytes, keep: random.next(20))
        }
        for piece in ["\"", "{", "[", "<a", "`", "```", "“", "«", "「", "word ", "a.b.", "1,", "漢"] {
            let short = Array(String(repeating: piece, count: 2_000).utf8), long = Array(String(repeating: piece, count: 16_000).utf8)
            let clock = ContinuousClock()
            let first = (0..<3).map { _ in clock.measure { _ = compressor.compress(short, keep: 10) } }.min() ?? .zero
            let second = (0..<3).map { _ in clock.measure { _ = compressor.compress(long, keep: 10) } }.min() ?? .zero
            #expect(second < max(first, .milliseconds(3)) * 40, "\(piece): \(first), \(second)")
        }
    }
}
