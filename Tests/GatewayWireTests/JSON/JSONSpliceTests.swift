import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

@Suite struct JSONSpliceTests {
    /// Whether two documents say the same of the same text.
    private static func agree(_ known: JSONDocument?, _ text: ByteBuffer) throws -> Bool {
        let scanned = try JSONDocument(text)
        guard let known else { return false }
        return known.bytes == scanned.bytes && known.result == scanned.result && known.members == scanned.members
    }

    @Test func `what was put into an array is known without a scan`() throws {
        var random = FuzzRandom(seed: 11)
        let values = ["1", "-2.5e3", "true", "null", "\"a\\nb\"", "\"\\u00e9 ü\"", "{\"role\":\"user\",\"content\":\"[]{}\\\"\"}", "[[],{}]", "{}"]
        let blanks = ["", " ", "\n\t", "  "]
        for _ in 0..<2_000 {
            func value() -> String { values[random.below(values.count)] }
            func blank() -> String { blanks[random.below(blanks.count)] }
            var members = (0..<random.below(4)).map { "\"k\($0)\(random.below(2) == 0 ? "\\u0041" : "")\"\(blank()):\(blank())\(value())" }
            let elements = (0...random.below(3)).map { _ in blank() + value() + blank() }.joined(separator: ",")
            members.insert("\"messages\":\(blank())[\(elements)]", at: random.below(members.count + 1))
            if random.below(3) == 0 { members.append(members[0]) }
            let document = try JSONDocument(ByteBuffer(string: blank() + "{" + members.joined(separator: blank() + "," + blank()) + blank() + "}" + blank()))
            let messages = try #require(document["messages"])
            var splice = JSONSplice(document.bytes)
            let isDone = splice.surround(messages, first: ByteBuffer(string: value()), last: ByteBuffer(string: random.below(2) == 0 ? "" : value() + "," + value()))
            #expect(isDone)
            #expect(try Self.agree(splice.apply(to: document), splice.apply()), "\(String(buffer: document.bytes))")
        }
    }

    @Test func `no edits leave all as it is`() throws {
        let document = try JSONDocument(ByteBuffer(string: #"{"a":[1],"b":2}"#))
        #expect(try Self.agree(JSONSplice(document.bytes).apply(to: document), document.bytes))
    }

    @Test func `edits of members themselves need a scan`() throws {
        let document = try JSONDocument(ByteBuffer(string: #"{"a":[1],"b":2,"c":"x"}"#))
        for key in ["a", "b", "c"] as [String] {
            var splice = JSONSplice(document.bytes)
            let isDone = splice.replace(try #require(document.root[key]).span, with: ByteBuffer(string: "{}"))
            #expect(isDone)
            #expect(splice.apply(to: document) == nil, "\(key)")
        }
        var beside = JSONSplice(document.bytes)
        let isDone = beside.replace(1..<1, with: ByteBuffer(string: "\"d\":1,"))
        #expect(isDone)
        #expect(beside.apply(to: document) == nil)
    }
}
