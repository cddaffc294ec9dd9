import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Lists in a stream of OpenAI's format, which clients put together by their entries' numbers, and send back.
@Suite struct StreamEntryTests {
    private static func block(_ index: Int, _ start: String, _ deltas: [String] = []) -> String {
        "data: {\"type\":\"content_block_start\",\"index\":\(index),\"content_block\":\(start)}\n\n"
            + deltas.map { "data: {\"type\":\"content_block_delta\",\"index\":\(index),\"delta\":\($0)}\n\n" }.joined()
            + "data: {\"type\":\"content_block_stop\",\"index\":\(index)}\n\n"
    }

    private static func thought(_ text: String) -> String { "{\"type\":\"thinking_delta\",\"thinking\":\"\(text)\"}" }
    private static func signature(_ text: String) -> String { "{\"type\":\"signature_delta\",\"signature\":\"\(text)\"}" }

    private static let empty = #"{"type":"thinking","thinking":"","signature":""}"#

    /// Thoughts signed and not, redacted, and of the kind that is not shown.
    private static let stream =
        block(0, empty, [thought(#"a \"b\" "#), thought(#"\u00e9\n"#), signature("s1")])
        + block(1, #"{"type":"redacted_thinking","data":"xx"}"#)
        + block(2, empty, [thought("never signed")])
        + block(3, #"{"type":"text","text":""}"#, [#"{"type":"text_delta","text":"Hello"}"#])
        + block(4, empty, [thought("c"), signature("s2")])
        + block(5, empty, [signature("s3")])
        + block(6, #"{"type":"tool_use","id":"t1","name":"now","input":{}}"#)
        + "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":15}}\n\ndata: {\"type\":\"message_stop\"}\n\n"

    /// As openai-python's `accumulate_delta` adds up; nil where it fails.
    private static func accumulate(_ known: JSONValue, _ delta: JSONValue) -> JSONValue? {
        switch (known, delta) {
        case (.null, _): return delta
        case (.string(let first), .string(let second)): return .string(first + second)
        case (.object(var members), .object(let added)):
            for member in added {
                guard let at = members.firstIndex(where: { $0.key == member.key }) else {
                    members.append(member)
                    continue
                }
                if member.key == "index" || member.key == "type" {
                    members[at].value = member.value
                } else {
                    guard let sum = self.accumulate(members[at].value, member.value) else { return nil }
                    members[at].value = sum
                }
            }
            return .object(members)
        case (.array(var elements), .array(let added)):
            for entry in added {
                guard let index = entry["index"]?.intValue, index <= elements.count else { return nil }
                if index == elements.count {
                    elements.append(entry)
                } else {
                    guard let sum = self.accumulate(elements[index], entry) else { return nil }
                    elements[index] = sum
                }
            }
            return .array(elements)
        default: return nil
        }
    }

    private static func message(_ text: String) throws -> JSONValue {
        var message = JSONValue.object([])
        for delta in try Translation.events(text).compactMap({ $0["choices"]?[0]?["delta"] }) { message = try #require(self.accumulate(message, delta)) }
        return message
    }

    @Test func `thoughts of a stream go back to their vendor as they came`() throws {
        let message = try Self.message(try Translation.stream(Translation.openAI, from: "anthropic", Self.stream).text)
        #expect(message["reasoning_content"]?.stringValue == "a \"b\" é\nnever signedc")
        var body = ByteBuffer()
        body.writeString(#"{"max_tokens":5,"messages":[{"role":"user","content":"x"},"#)
        body.writeImmutableBuffer(message.encoded())
        body.writeString(#",{"role":"tool","tool_call_id":"t1","content":"r"}]}"#)
        let (json, dropped) = try Translation.request(Translation.openAI, to: "anthropic", String(buffer: body))
        let expected = #"""
            [{"type":"thinking","thinking":"a \"b\" é\n","signature":"s1"},{"type":"redacted_thinking","data":"xx"},{"type":"thinking","thinking":"c","signature":"s2"},
             {"type":"thinking","thinking":"","signature":"s3"},{"type":"text","text":"Hello"},{"type":"tool_use","id":"t1","name":"now","input":{}}]
            """#
        #expect(json["messages"]?[1]?["content"]?.meaning == (try Translation.json(expected)).meaning)
        #expect(dropped.isEmpty)
    }

    private static func text(_ string: String) -> ChatText { ChatText(plain: ByteBuffer(string: string)) }

    /// Chunks of a stream of these events, by choice.
    private static func deltas(_ events: [ChatStreamEvent]) throws -> [(choice: Int, delta: JSONValue)] {
        let encoder = Translation.openAI.makeStreamEncoder(Translation.context(stream: true))
        var output = ByteBuffer()
        for event in [.begin(ChatStreamHead())] + events { encoder.encode(event, into: &output) }
        return try Translation.events(String(buffer: output)).map { event in
            let choice = try #require(event["choices"]?[0])
            return (try #require(choice["index"]?.intValue), try #require(choice["delta"]))
        }
    }

    @Test func `images and blocks are numbered by choice`() throws {
        let image = ChatPart(.media(ChatMedia(.image, .base64(Self.text("AAAA")), mediaType: Self.text("image/png"))))
        let deltas = try Self.deltas([
            .part(image, choice: 0), .part(image, choice: 1), .part(image, choice: 0), .reasoning(Self.text("a"), choice: 1), .reasoningSignature(Self.text("s"), choice: 1),
            .redactedReasoning(Self.text("x"), choice: 1), .redactedReasoning(Self.text("y"), choice: 0),
        ])
        #expect(deltas.compactMap { $0.delta["images"]?[0]?["index"]?.intValue } == [0, 0, 1])
        #expect(deltas.compactMap { $0.delta["images"]?[0]?["image_url"]?["url"]?.stringValue } == Array(repeating: "data:image/png;base64,AAAA", count: 3))
        #expect(deltas.compactMap { $0.delta["thinking_blocks"]?[0]?["index"]?.intValue } == [0, 1, 0])
    }

    @Test func `thoughts beyond all measure have no block`() throws {
        let piece = Self.text(String(repeating: "x", count: 1 << 20))
        let deltas = try Self.deltas(
            Array(repeating: .reasoning(piece, choice: 0), count: 5) + [
                .reasoningSignature(Self.text("s1"), choice: 0), .reasoning(Self.text("a"), choice: 0), .reasoningSignature(Self.text("s2"), choice: 0),
            ])
        #expect(deltas.compactMap { $0.delta["thinking_blocks"]?[0]?["signature"]?.stringValue } == ["s2"])
        #expect(deltas.compactMap { $0.delta["thinking_blocks"]?[0]?["thinking"]?.stringValue } == ["a"])
        #expect(deltas.compactMap { $0.delta["thinking_blocks"]?[0]?["index"]?.intValue } == [0])
    }
}
