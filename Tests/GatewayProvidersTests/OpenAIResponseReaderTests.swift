import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

@Suite struct OpenAIResponseReaderTests {
    private func event(_ text: String, _ reader: OpenAIResponseReader) -> EventDisposition { Array(text.utf8).withUnsafeBytes { reader.event($0) } }

    private static let content = #"{"id":"c-1","object":"chat.completion.chunk","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":null}],"usage":null}"#
    private static let stop = #"{"id":"c-1","model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
    private static let usage =
        #"{"id":"c-1","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":2}}}"#

    // MARK: Documents

    @Test(arguments: [
        ("9223372036854775807", 1 << 48), ("1234567890123456789", 1 << 48), ("99999999999999999999999", 1 << 48), ("-99999999999999999999999", 0), ("1e3", 0), ("281474976710655", 281_474_976_710_655),
    ] as [(String, Int64)])
    func `numbers of many digits are the same in documents and streams`(number: String, count: Int64) {
        let text = #"{"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":\#(number),"completion_tokens":\#(number)}}"#
        let whole = OpenAIResponseReader(hidesUsage: false), streamed = OpenAIResponseReader(hidesUsage: false)
        whole.document(ByteBuffer(string: text))
        _ = self.event(text, streamed)
        for reader in [whole, streamed] { #expect(reader.facts.usage.input == count && reader.facts.usage.output == count) }
    }

    @Test func `a chat completion tells usage identity and finish reasons`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        reader.document(
            ByteBuffer(
                string: """
                    {"id":"chatcmpl-1","model":"gpt-4o-2024","choices":[{"finish_reason":"stop","message":{"content":"x"}},{"finish_reason":"length"},{"finish_reason":"stop"}],
                     "usage":{"prompt_tokens":19,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":4}}}
                    """))
        let facts = reader.facts
        #expect([facts.usage.input, facts.usage.output, facts.usage.cachedInput, facts.usage.reasoning, facts.usage.total] == [19, 10, 8, 4, 29])
        #expect(facts.usage.source == .providerReported)
        #expect(facts.id == ByteBuffer(string: "chatcmpl-1"))
        #expect(facts.model == ByteBuffer(string: "gpt-4o-2024"))
        #expect(facts.finishReasons == ByteBuffer(string: "stop,length"))
        #expect(facts.isComplete)
    }

    @Test func `an empty finish reason is none`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        reader.document(ByteBuffer(string: #"{"choices":[{"finish_reason":""},{"finish_reason":"stop"},{"finish_reason":""}]}"#))
        #expect(reader.facts.finishReasons == ByteBuffer(string: "stop"))
    }

    @Test func `tokens of sound are told apart, in documents, streams and other operations`() {
        let usage =
            #""usage":{"prompt_tokens":19,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":12},"completion_tokens_details":{"audio_tokens":9,"reasoning_tokens":0}}"#
        let whole = OpenAIResponseReader(hidesUsage: false), streamed = OpenAIResponseReader(hidesUsage: false)
        whole.document(ByteBuffer(string: "{\"choices\":[{\"finish_reason\":\"stop\"}],\(usage)}"))
        for event in [Self.content, "{\"id\":\"c-1\",\"choices\":[],\(usage)}", "[DONE]"] { _ = self.event(event, streamed) }
        for facts in [whole.facts, streamed.facts] { #expect([facts.usage.input, facts.usage.inputAudio, facts.usage.output, facts.usage.outputAudio] == [19, 12, 10, 9]) }
        let transcript = OpenAIOperationReader()
        transcript.document(ByteBuffer(string: #"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":3}}"#))
        #expect([transcript.facts.usage.input, transcript.facts.usage.inputAudio, transcript.facts.usage.output] == [14, 10, 3])
    }

    @Test(arguments: [(135, 103), (41, 9), (0, 9)] as [(Int64, Int64)])
    func `reasoning that xAI counts apart is output, where the total says so`(total: Int64, output: Int64) {
        let details = #""completion_tokens_details":{"reasoning_tokens":94}"#
        for usage in [
            #"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":\#(total),\#(details)}"#, #"{\#(details),"total_tokens":\#(total),"completion_tokens":9,"prompt_tokens":32}"#,
        ] {
            let whole = OpenAIResponseReader(hidesUsage: false), streamed = OpenAIResponseReader(hidesUsage: false)
            whole.document(ByteBuffer(string: "{\"choices\":[],\"usage\":\(usage)}"))
            _ = self.event("{\"model\":\"m\",\"choices\":[],\"usage\":\(usage)}", streamed)
            for facts in [whole.facts, streamed.facts] { #expect([facts.usage.input, facts.usage.output, facts.usage.reasoning] == [32, output, 94]) }
        }
    }

    @Test func `embeddings have no output and no finish reason`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        reader.document(ByteBuffer(string: #"{"object":"list","data":[{"embedding":[0.1]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}"#))
        #expect(reader.facts.usage.input == 8)
        #expect(reader.facts.usage.output == 0)
        #expect(reader.facts.finishReasons == nil)
    }

    @Test(arguments: [#"{"id":"x","usage":null}"#, #"{"id":"x"}"#, #"{"id":"x","usage":[]}"#, #"{"id":"x","usage":7}"#])
    func `a document without usage reports none`(text: String) {
        let reader = OpenAIResponseReader(hidesUsage: false)
        reader.document(ByteBuffer(string: text))
        #expect(reader.facts.usage.source == .none)
        #expect(reader.facts.id == ByteBuffer(string: "x"))
    }

    // MARK: Streams

    @Test func `a stream's facts come from its chunks`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        for text in [Self.content, Self.content, Self.stop, Self.usage, "[DONE]"] { #expect(self.event(text, reader) == .pass) }
        let facts = reader.facts
        #expect([facts.usage.input, facts.usage.output, facts.usage.cachedInput, facts.usage.reasoning] == [11, 7, 5, 2])
        #expect(facts.finishReasons == ByteBuffer(string: "stop"))
        #expect(facts.model == ByteBuffer(string: "gpt-4o"))
        #expect(facts.isComplete)
    }

    @Test func `the usage chunk nobody asked for is dropped and read`() {
        let reader = OpenAIResponseReader(hidesUsage: true)
        #expect(self.event(Self.content, reader) == .pass)
        #expect(self.event(Self.usage, reader) == .drop)
        #expect(self.event("[DONE]", reader) == .pass)
        #expect(reader.facts.usage.input == 11)
    }

    @Test func `a chunk with content and usage is not dropped`() {
        let reader = OpenAIResponseReader(hidesUsage: true)
        let text = #"{"model":"m","choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#
        #expect(self.event(text, reader) == .pass)
        #expect(reader.facts.usage.output == 2)
    }

    @Test func `a chunk without choices that has usage is not dropped blindly`() {
        let reader = OpenAIResponseReader(hidesUsage: true)
        #expect(self.event(#"{"model":"m","usage":{"prompt_tokens":1,"completion_tokens":2}}"#, reader) == .pass)
    }

    @Test(arguments: [#"\"usage\":{\"prompt_tokens\":999}"#, #"say \"finish_reason\":\"evil\""#, #"{\"usage\": {}}"#])
    func `content that looks like a member is content`(content: String) {
        let reader = OpenAIResponseReader(hidesUsage: true)
        let text = #"{"model":"m","choices":[{"index":0,"delta":{"content":"\#(content)"},"finish_reason":null}],"usage":null}"#
        #expect(self.event(text, reader) == .pass)
        #expect(reader.facts.usage.source == .none)
        #expect(reader.facts.finishReasons == nil)
    }

    @Test func `a member deeper down called usage is not the answer's`() {
        let reader = OpenAIResponseReader(hidesUsage: true)
        #expect(self.event(#"{"model":"m","choices":[],"extra":{"usage":{"prompt_tokens":5}}}"#, reader) == .pass)
        #expect(reader.facts.usage.source == .none)
    }

    @Test func `usage with spaces around its colon is read`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        _ = self.event(#"{"model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}"#, reader)
        #expect(reader.facts.usage.total == 7)
        let other = OpenAIResponseReader(hidesUsage: false)
        _ = self.event(#"{"model":"m","choices":[{"finish_reason": "stop"}],"usage":  {"prompt_tokens":3,"completion_tokens":4}}"#, other)
        #expect(other.facts.usage.total == 7)
        #expect(other.facts.finishReasons == ByteBuffer(string: "stop"))
    }

    @Test func `the last usage of a stream counts`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        for output in 1...3 { _ = self.event(#"{"model":"m","choices":[{}],"usage":{"prompt_tokens":2,"completion_tokens":\#(output)}}"#, reader) }
        #expect(reader.facts.usage.output == 3)
    }

    @Test func `distinct finish reasons are kept once each and bounded`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        for reason in ["stop", "length", "stop", "tool_calls"] { _ = self.event(#"{"model":"m","choices":[{"finish_reason":"\#(reason)"}]}"#, reader) }
        #expect(reader.facts.finishReasons == ByteBuffer(string: "stop,length,tool_calls"))
        for number in 0..<50 { _ = self.event(#"{"model":"m","choices":[{"finish_reason":"r\#(number)"}]}"#, reader) }
        #expect(String(buffer: reader.facts.finishReasons ?? ByteBuffer()).split(separator: ",").count == 8)
        _ = self.event(#"{"model":"m","choices":[{"finish_reason":"\#(String(repeating: "x", count: 500))"}]}"#, reader)
        #expect((reader.facts.finishReasons?.readableBytes ?? 0) < 100)
    }

    @Test func `two choices that end in one chunk are both told`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        _ = self.event(#"{"model":"m","choices":[{"index":0,"finish_reason":"stop"},{"index":1,"finish_reason":"length"}]}"#, reader)
        #expect(reader.facts.finishReasons == ByteBuffer(string: "stop,length"))
    }

    @Test func `an identity that comes late is still taken`() {
        let reader = OpenAIResponseReader(hidesUsage: false)
        _ = self.event(#"{"choices":[],"prompt_filter_results":[]}"#, reader)
        _ = self.event(Self.content, reader)
        #expect(reader.facts.model == ByteBuffer(string: "gpt-4o"))
        #expect(reader.facts.id == ByteBuffer(string: "c-1"))
    }

    @Test(arguments: ["", "{", "[DONE", "ping", "null", "{\"usage\":{", "\u{0}", "{\"usage\":{}}x"])
    func `what is no chunk passes and tells nothing`(text: String) {
        let reader = OpenAIResponseReader(hidesUsage: true)
        #expect(self.event(text, reader) == .pass)
        #expect(reader.facts.usage.source == .none)
        #expect(!reader.facts.isComplete)
    }
}

@Suite struct ChunkMarksTests {
    /// Whether a text is in the bytes, followed by spaces and one of the bytes given.
    private func naive(_ text: String, before next: [UInt8]?, in bytes: [UInt8]) -> Bool {
        let wanted = Array(text.utf8)
        guard bytes.count >= wanted.count else { return false }
        return (0...(bytes.count - wanted.count)).contains { start in
            guard bytes[start..<(start + wanted.count)].elementsEqual(wanted) else { return false }
            guard let next else { return true }
            return bytes[(start + wanted.count)...].first { $0 != 0x20 }.map { next.contains($0) } ?? false
        }
    }

    private func check(_ bytes: [UInt8]) {
        let marks = bytes.withUnsafeBytes { ChunkMarks($0) }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect((marks.usage >= 0) == self.naive("\"usage\":", before: nil, in: bytes), "\(text)")
        #expect((marks.finishReason >= 0) == self.naive("\"finish_reason\":", before: [0x22], in: bytes), "\(text)")
        if marks.usage >= 0 { #expect(bytes[marks.usage...].starts(with: "\"usage\":".utf8)) }
        if marks.finishReason >= 0 { #expect(bytes[marks.finishReason...].starts(with: "\"finish_reason\":".utf8)) }
    }

    @Test func `marks are found at every offset and in every length`() {
        for text in ["\"usage\":", "\"finish_reason\":\""] {
            for before in 0...100 {
                for after in [0, 1, 7, 31, 32, 33] { self.check([UInt8](repeating: 0x78, count: before) + Array(text.utf8) + [UInt8](repeating: 0x79, count: after)) }
            }
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `marks are those of a naive search in random texts`(seed: UInt64) {
        var ids = IdentifierGenerator(seed: seed)
        let pieces = ["\"usage\":", "\"finish_reason\":\"", "\"finish_reason\": \"", "\"finish_reason\":null", "\"", "u", "f", "\"us", "usage\":", "\"finish_reason\":", "\\\"usage\\\":", "xxxxxxxxxxx", "{", "\"f", "\"u"]
        for _ in 0..<300 {
            var text = ""
            for _ in 0..<Int(ids.next() % 14) { text += pieces[Int(ids.next() % UInt64(pieces.count))] }
            self.check(Array(text.utf8))
        }
    }

    @Test func `a mark cut off at the end is none`() {
        let full = Array(String(repeating: "x", count: 40).utf8) + Array("\"usage\":".utf8)
        for length in 40..<full.count { self.check(Array(full.prefix(length))) }
    }
}
