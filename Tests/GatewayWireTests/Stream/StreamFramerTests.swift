import GatewayWire
import NIOCore
import Testing

/// Lines and arrays that arrive in pieces.
@Suite struct StreamFramerTests {
    @Test func `lines are the same wherever they are split`() throws {
        let text = "{\"a\":1}\r\n\n  \n{\"b\":\"ł\"}\nlast"
        for size in 1...text.utf8.count {
            var framer = LineFramer()
            var lines: [String] = []
            var rest = ByteBuffer(string: text)
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                framer.feed(piece)
                while let line = try framer.next() { lines.append(String(buffer: line)) }
            }
            if let line = framer.finish() { lines.append(String(buffer: line)) }
            #expect(lines == [#"{"a":1}"#, #"{"b":"ł"}"#, "last"], "pieces of \(size)")
        }
    }

    @Test func `elements of an array are the same wherever it is split`() throws {
        let text = #"[{"a":"]},{\"[{"},"# + "\r\n" + #"{"b":{"c":[{},{"d":[]}]}} , {"e":"ł\\"}]"#
        for size in 1...text.utf8.count {
            var framer = JSONArrayFramer()
            var elements: [String] = []
            var rest = ByteBuffer(string: text)
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                framer.feed(piece)
                while let element = try framer.next() { elements.append(String(buffer: element)) }
            }
            #expect(elements == [#"{"a":"]},{\"[{"}"#, #"{"b":{"c":[{},{"d":[]}]}}"#, #"{"e":"ł\\"}"#], "pieces of \(size)")
        }
    }

    @Test func `what has been taken is not kept`() throws {
        // Every piece ends inside a frame, so that something is always left.
        let piece = ByteBuffer(string: "\(String(repeating: "x", count: 500))\n\(String(repeating: "y", count: 500))")
        var lines = LineFramer()
        let element = ByteBuffer(string: #"{"a":"\#(String(repeating: "x", count: 500))"},{"b":"#)
        var array = JSONArrayFramer()
        array.feed(ByteBuffer(string: "["))
        for _ in 0..<2000 {
            lines.feed(piece)
            let line = try #require(try lines.next())
            #expect(line.storageCapacity <= 16_384)
            array.feed(element)
            while let taken = try array.next() { #expect(taken.storageCapacity <= 16_384) }
            array.feed(ByteBuffer(string: "1},"))
        }
    }

    @Test func `what never ends is refused`() {
        var lines = LineFramer(limit: 10)
        lines.feed(ByteBuffer(string: "0123456789abc"))
        #expect(throws: SSEError.eventTooLarge) { try lines.next() }
        var array = JSONArrayFramer(limit: 10)
        array.feed(ByteBuffer(string: "[{\"0123456789abc"))
        #expect(throws: SSEError.eventTooLarge) { try array.next() }
    }
}
