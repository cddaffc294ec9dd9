import GatewayWire
import NIOCore
import Testing

struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) throws -> String {
        var writer = JSONWriter()
        body(&writer)
        _ = try JSONScanner.scan(writer.buffer)
        return String(buffer: writer.buffer)
    }

    @Test func `structure gets its commas`() throws {
        let text = try written { writer in
            writer.beginObject()
            writer.key("a")
            writer.number(1)
            writer.key("b" as String)
            writer.beginArray()
            writer.beginArray()
            writer.endArray()
            writer.bool(false)
            writer.null()
            writer.beginObject()
            writer.endObject()
            writer.raw(ByteBuffer(string: "[2]"))
            writer.endArray()
            writer.key("c")
            writer.number(-2.5)
            writer.endObject()
        }
        #expect(text == #"{"a":1,"b":[[],false,null,{},[2]],"c":-2.5}"#)
    }

    @Test func `every byte that needs it is escaped, at any distance`() throws {
        for value in 0..<0x80 {
            for padding in [0, 1, 7, 8, 15, 16, 17, 31, 32, 40] {
                let string = String(repeating: "a", count: padding) + String(Unicode.Scalar(UInt8(value))) + "tail"
                let text = try written { $0.string(string) }
                #expect(try JSONValue(parsing: text) == .string(string))
            }
        }
        #expect(try written { $0.string("\"\\\u{8}\u{c}\n\r\t\u{1}\u{1f}é🙂" as String) } == #""\"\\\b\f\n\r\t\u0001\u001fé🙂""#)
        #expect(try written { $0.string("x\"y" as StaticString) } == #""x\"y""#)
    }

    @Test func `texts in which everything or nothing is escaped read back the same`() throws {
        for count in [1, 15, 16, 17, 31, 32, 33, 100, 1_000, 70_000] {
            for pattern in ["a", "\u{1}", "\"", "a\n", "aaaaaaaaaaaaaaaaaaa\\", "\u{e9}\t"] {
                let string = String(repeating: pattern, count: count)
                #expect(try JSONValue(parsing: written { $0.string(string) }) == .string(string))
                #expect(try JSONValue(parsing: written { $0.string(ByteBuffer(string: string)) }) == .string(string))
            }
        }
    }

    @Test func `bytes that are no UTF-8 are repaired`() throws {
        #expect(try written { $0.string(ByteBuffer(bytes: [0x61, 0xFF, 0x62])) } == "\"a\u{FFFD}b\"")
        #expect(try written { $0.string(ByteBuffer(bytes: [0x61, 0xC3, 0xA9]).readableBytesView) } == "\"a\u{e9}\"")
    }

    @Test func `numbers read back the same`() throws {
        for value in [0.1, 1e300, -1e-300, Double.leastNonzeroMagnitude, 123_456_789.125, 1e16, -0.0] { #expect(try JSONValue(parsing: written { $0.number(value) }).doubleValue == value) }
        #expect(try written { $0.number(Double.nan) } == "null" && written { $0.number(-Double.infinity) } == "null")
        for value in [Int.min, -1, 0, Int.max] { #expect(try JSONValue(parsing: written { $0.number(value) }) == .integer(value)) }
    }

    @Test func `a value of another text is copied as it is written`() throws {
        let document = try JSONDocument(ByteBuffer(string: #"{"a": [ 1.0 ]}"#))
        let view = try #require(document["a"])
        #expect(try written { $0.raw(view) } == "[ 1.0 ]")
    }
}
