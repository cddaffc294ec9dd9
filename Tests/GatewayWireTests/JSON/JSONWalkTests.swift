@testable import GatewayWire
import NIOCore
import Testing

struct JSONWalkTests {
    /// Keys of the top level and where their values lie, as the walk sees them; nil when the object does not close.
    private func members(_ text: String, read: (inout JSONWalk) -> Void = { _ in }) -> [String]? {
        Array(text.utf8).withUnsafeBytes { raw in
            guard var walk = JSONWalk(raw) else { return nil }
            var keys: [String] = []
            let isObject = walk.object { walk, key in
                keys.append(String(decoding: key, as: UTF8.self))
                read(&walk)
            }
            return isObject && walk.isWhole ? keys : nil
        }
    }

    private func int(_ text: String) -> Int? { Array(text.utf8).withUnsafeBytes { raw in JSONWalk(raw).flatMap { walk in var walk = walk; return walk.int() } } }

    @Test func `members are met in order, values read or passed over`() {
        let text = #" {"a" : [1,{"b":"]}"}], "long":"\#(String(repeating: "x", count: 200))\"", "c":{"d":{}},"e":-12.5e3 ,"f":"","g":true,"h":null} "#
        #expect(self.members(text) == ["a", "long", "c", "e", "f", "g", "h"])
        #expect(self.members(text) { $0.skip() } == ["a", "long", "c", "e", "f", "g", "h"])
        #expect(self.members(text) { _ = $0.array { _ in } } == ["a", "long", "c", "e", "f", "g", "h"])
        #expect(self.members(text) { _ = $0.plainString() } == ["a", "long", "c", "e", "f", "g", "h"])
        #expect(self.members("{}") == [])
    }

    @Test(arguments: ["", " ", "{", "[", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\" 1}", "{a:1}", "{\"a\":\"x}", "{\"a\":1]", "{\"a\":1}x", "[1]", "1", "{\"a\":,}", "{\"a"])
    func `what does not close is no object`(text: String) {
        #expect(self.members(text) == nil)
    }

    @Test func `integers are read as they are, and nothing else`() {
        for (text, value) in [("0", 0), ("-7", -7), ("123456789012345678", 123_456_789_012_345_678), ("42,", 42)] { #expect(self.int(text) == value) }
        for text in ["", "-", "1.5", "1e3", "1234567890123456789.5", "99999999999999999999e1", "\"1\"", "null", "x"] { #expect(self.int(text) == nil) }
    }

    @Test(arguments: [
        ("1234567890123456789", 1_234_567_890_123_456_789), ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775808", .max), ("-9223372036854775809", .min),
        ("18446744073709551616", .max), ("99999999999999999999999999", .max), ("-99999999999999999999999999", .min), ("000000000000000000007", 7),
    ])
    func `an integer that is too large is the nearest one`(text: String, value: Int) {
        #expect(self.int(text) == value)
        #expect(self.members(#"{"a":\#(text),"b":1}"#) { _ = $0.int() } == ["a", "b"])
    }

    @Test func `a text cut anywhere stays within its bytes and is not whole`() {
        let text = #"{"id":"abc","choices":[{"finish_reason":"stop","message":{"content":"\#(String(repeating: "é\\n", count: 40))"}}],"usage":{"prompt_tokens":12}}"#
        let bytes = Array(text.utf8)
        for length in 0..<bytes.count {
            // A buffer of its own, so that a sanitizer or guard page would notice a read beyond it.
            let cut = Array(bytes[..<length])
            let isWhole = cut.withUnsafeBytes { raw -> Bool in
                guard var walk = JSONWalk(raw) else { return false }
                let isObject = walk.object { walk, key in
                    if key.isText("choices") { _ = walk.array { _ = $0.object { walk, _ in _ = walk.plainString() } } }
                    if key.isText("usage") { _ = walk.object { walk, _ in _ = walk.int() } }
                }
                return isObject && walk.isWhole
            }
            #expect(!isWhole, "cut at \(length)")
        }
    }
}
