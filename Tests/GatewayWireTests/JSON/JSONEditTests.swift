import GatewayWire
import NIOCore
import Testing

struct JSONEditTests {
    private func edited(_ text: String, _ change: (inout JSONEdit) -> Void) throws -> String {
        let document = try JSONDocument(ByteBuffer(string: text))
        var edit = try #require(JSONEdit(document.root))
        change(&edit)
        let output = edit.apply()
        _ = try JSONScanner.scan(output)
        return String(buffer: output)
    }

    @Test func `a value is replaced and the rest kept as it is`() throws {
        #expect(try edited(#"{ "a" : 1.50, "model" : "x" , "b":[ ] }"#) { $0.set("model", "gpt \"4\"") } == #"{ "a" : 1.50, "model" : "gpt \"4\"" , "b":[ ] }"#)
        #expect(try edited(#"{"a":1}"#) { $0.set("a", true) } == #"{"a":true}"#)
        #expect(try edited(#"{"a":1}"#) { $0.set("a", 0.5) } == #"{"a":0.5}"#)
    }

    @Test func `a member is inserted at the end`() throws {
        #expect(try edited(#"{"a":1}"#) { $0.set("b", 2) } == #"{"a":1,"b":2}"#)
        #expect(try edited("{}") { $0.set("b", 2) } == #"{"b":2}"#)
        #expect(try edited("{ \n}") { $0.set("b", 2) } == "{\"b\":2 \n}")
        #expect(try edited(#"{"a":1 }"#) { $0.set("b", raw: ByteBuffer(string: "[1]")) } == #"{"a":1,"b":[1] }"#)
    }

    @Test func `removing leaves correct commas`() throws {
        let text = #"{ "a":1, "b":2, "c":3 }"#
        #expect(try edited(text) { $0.remove("a") } == #"{"b":2, "c":3 }"#)
        #expect(try edited(text) { $0.remove("b") } == #"{ "a":1, "c":3 }"#)
        #expect(try edited(text) { $0.remove("c") } == #"{ "a":1, "b":2 }"#)
        #expect(try edited(text) { for key in ["a", "b"] { $0.remove(key) } } == #"{"c":3 }"#)
        #expect(try edited(text) { for key in ["a", "c"] { $0.remove(key) } } == #"{"b":2 }"#)
        #expect(try edited(text) { for key in ["a", "b", "c"] { $0.remove(key) } } == "{ }")
        #expect(try edited(text) { $0.remove("x") } == text)
        #expect(try edited("{}") { $0.remove("x") } == "{}")
    }

    @Test func `several edits work together`() throws {
        let text = #"{"a":1,"b":2,"c":3}"#
        #expect(try edited(text) { $0.remove("a"); $0.set("b", 20); $0.set("d", 4); $0.set("e", 5) } == #"{"b":20,"c":3,"d":4,"e":5}"#)
        #expect(try edited(text) { $0.set("a", 9); $0.remove("a") } == #"{"b":2,"c":3}"#)
        #expect(try edited(text) { for key in ["a", "b", "c"] { $0.remove(key) }; $0.set("d", 4) } == #"{"d":4}"#)
    }

    @Test func `one of several members with the same key stays`() throws {
        let text = #"{"m":1,"x":0,"\u006d":2,"m":3}"#
        #expect(try edited(text) { $0.set("m", 9) } == #"{"m":9,"x":0}"#)
        #expect(try edited(text) { $0.remove("m") } == #"{"x":0}"#)
    }

    @Test func `a nested object is edited through its view`() throws {
        let document = try JSONDocument(ByteBuffer(string: #"{"stream_options":{"a":1},"z":0}"#))
        let options = try #require(document["stream_options"])
        var inner = try #require(JSONEdit(options))
        inner.set("include_usage", true)
        let nested = inner.apply()
        #expect(String(buffer: nested) == #"{"a":1,"include_usage":true}"#)
        #expect(try edited(#"{"stream_options":{"a":1},"z":0}"#) { $0.set("stream_options", raw: nested) } == #"{"stream_options":{"a":1,"include_usage":true},"z":0}"#)
    }

    @Test func `only objects can be edited`() throws {
        let root = try JSONDocument(ByteBuffer(string: "[1]")).root
        let edit = JSONEdit(root).map { _ in true }
        #expect(edit == nil)
    }

    @Test func `spans are spliced in any order and never overlap`() throws {
        let bytes = ByteBuffer(string: #"["one","two","three"]"#)
        let spans = try JSONDocument(bytes).root.elements.map(\.span)
        var splice = JSONSplice(bytes)
        let results = [
            splice.replace(spans[2], with: ByteBuffer(string: "3")), splice.replace(spans[0], with: ByteBuffer(string: "\"1\"")),
            splice.replace(spans[0], with: ByteBuffer(string: "x")), splice.replace(0..<100, with: ByteBuffer()), splice.replace(5..<8, with: ByteBuffer()),
        ]
        #expect(results == [true, true, false, false, false])
        #expect(String(buffer: splice.apply()) == #"["1","two",3]"#)
        #expect(JSONSplice(bytes).apply() == bytes)
    }
}
