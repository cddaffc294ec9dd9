import GatewayWire
import NIOCore
import Testing

struct JSONViewTests {
    private let text = #"""
        {"model":"gpt-4o","stream":true,"n":3,"temperature":0.70,"big":9223372036854775808,"exp":1e3,"neg":-7,
         "esc":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800x\udc00","none":null,"messages":[{"role":"user","content":"hi [1,{"},{"role":"x"}],"empty":[],
         "sub":{"k":{"l":[true]}},"k\u0065y":1,"key":2}
        """#

    private func document() throws -> JSONDocument { try JSONDocument(ByteBuffer(string: text)) }

    @Test func `scalars are read lazily`() throws {
        let document = try document()
        #expect(document["model"]?.string == "gpt-4o")
        #expect(document["model"]?.equals("gpt-4o") == true && document["model"]?.equals("gpt-4") == false)
        #expect(document["stream"]?.bool == true)
        #expect(document["n"]?.int == 3 && document["n"]?.double == 3)
        #expect(document["temperature"]?.double == 0.7 && document["temperature"]?.int == nil)
        #expect(document["big"]?.int == nil && document["big"]?.double == 9_223_372_036_854_775_808)
        #expect(document["exp"]?.int == nil && document["exp"]?.double == 1000)
        #expect(document["neg"]?.int == -7)
        #expect(document["none"]?.isNull == true)
        #expect(document["model"]?.int == nil && document["n"]?.string == nil && document["n"]?.bool == nil && document["absent"] == nil)
    }

    @Test func `escapes are decoded, lone surrogates replaced`() throws {
        let expected = "a\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1F600}\u{FFFD}x\u{FFFD}"
        let view = try #require(try document()["esc"])
        #expect(view.string == expected)
        #expect(view.text.map { String(buffer: $0) } == expected)
        #expect(view.span.hasEscapes)
    }

    @Test func `text without escapes is a slice`() throws {
        let document = try document()
        let text = try #require(document["model"]?.text)
        let whole = document.bytes.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress)..<(UInt(bitPattern: $0.baseAddress) + UInt($0.count)) }
        #expect(text.withUnsafeReadableBytes { whole.contains(UInt(bitPattern: $0.baseAddress)) })
    }

    @Test func `arrays and objects are walked`() throws {
        let document = try document()
        let messages = try #require(document["messages"])
        #expect(messages.elements.map { $0["role"]?.string } == ["user", "x"])
        #expect(messages.elements.map { $0["content"]?.string } == ["hi [1,{", nil])
        #expect(document["empty"]?.elements.map { $0.kind } == [])
        #expect(document["sub"]?["k"]?["l"]?.elements.first(where: { _ in true })?.bool == true)
        #expect(document["sub"]?.members.map { $0.key.string } == ["k"])
        #expect(document["n"]?.elements.map { $0.kind } == [] && document["n"]?.members.map { $0.key.string } == [])
    }

    @Test func `keys are compared with escapes decoded and the last one counts`() throws {
        let document = try document()
        #expect(document["key"]?.int == 2)
        #expect(document.root["key"]?.int == 2)
        #expect(document.root["key" as String]?.int == 2)
        #expect(document.result.hasDuplicateKeys)
    }

    @Test func `offsets count from the reader index`() throws {
        var bytes = ByteBuffer(string: "junk{\"a\":[1,\"x\"]}")
        bytes.moveReaderIndex(forwardBy: 4)
        let document = try JSONDocument(bytes)
        #expect(document["a"]?.elements.map { String(buffer: $0.raw) } == ["1", "\"x\""])
        #expect(document["a"]?.elements.compactMap { $0.text }.map { String(buffer: $0) } == ["x"])
    }

    @Test func `a span of another text reads as null`() throws {
        let span = try JSONDocument(ByteBuffer(string: #"{"a":"long enough"}"#)).root.span
        let view = JSONView(ByteBuffer(string: "{}"), span)
        #expect(view.isNull && view["a"]?.kind == nil && view.string == nil)
        #expect(JSONView(ByteBuffer(), span).isNull)
    }
}
