import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

struct SSEFramerTests {
    private struct Seen: Equatable {
        var data: String?
        var name: String?
        var id: String?
    }

    private func frames(_ pieces: [String]) throws -> [Seen] {
        var framer = SSEFramer(), result: [Seen] = []
        for piece in pieces {
            framer.feed(ByteBuffer(string: piece))
            while let frame = try framer.next() { result.append(seen(frame, framer)) }
        }
        return result
    }

    private func seen(_ frame: SSEFrame, _ framer: SSEFramer) -> Seen {
        func text(_ range: Range<Int>?) -> String? { range.map { String(decoding: framer.view($0), as: UTF8.self) } }
        return Seen(data: framer.data(of: frame).map { String(buffer: $0) }, name: text(frame.name), id: text(frame.id))
    }

    private func next(_ framer: inout SSEFramer) throws -> SSEFrame {
        let frame = try framer.next()
        return try #require(frame)
    }

    @Test func `an event of one data line gives a slice of the bytes`() throws {
        var framer = SSEFramer()
        framer.feed(ByteBuffer(string: "event: x\ndata: {\"a\":1}\nid: 7\nretry: 30\n\n"))
        let frame = try next(&framer)
        #expect(frame.range == 0..<40)
        #expect(frame.data == 15..<22)
        #expect(seen(frame, framer) == Seen(data: "{\"a\":1}", name: "x", id: "7"))
        #expect(frame.retry.map { String(decoding: framer.view($0), as: UTF8.self) } == "30")
        #expect(framer.isNamed("x", frame) && !framer.isNamed("message", frame))
        #expect(framer.isData("{\"a\":1}", frame) && !framer.isData("[DONE]", frame))
        #expect(try framer.next() == nil)
    }

    @Test func `several data lines are joined by LF`() throws {
        #expect(try frames(["data: a\ndata\ndata:b\r\n: c\r\ndata:  d\r\r"]) == [Seen(data: "a\n\nb\n d")])
    }

    @Test func `all three line ends are understood, mixed too`() throws {
        for end in ["\n", "\r\n", "\r"] {
            #expect(try frames(["data: a\(end)\(end)data: b\(end)\(end)"]) == [Seen(data: "a"), Seen(data: "b")])
        }
        #expect(try frames(["data: a\r\n\ndata: b\n\rdata: c\n\n"]) == [Seen(data: "a"), Seen(data: "b"), Seen(data: "c")])
    }

    @Test func `a byte order mark counts only at the start`() throws {
        #expect(try frames(["\u{feff}data: a\n\n\u{feff}data: b\n\n"]) == [Seen(data: "a"), Seen()])
        #expect(try frames(["\u{feff}data: a\ndata: b\n\n"]) == [Seen(data: "a\nb")])
    }

    @Test func `comments and unknown fields dispatch nothing`() throws {
        #expect(try frames([": keep-alive\n\n", "datax: 1\nDATA: 2\n data: 3\n\n", "event: x\n\n"]) == [Seen(), Seen(), Seen(name: "x")])
    }

    @Test func `a NUL in an id and letters in a retry void them`() throws {
        var framer = SSEFramer()
        framer.feed(ByteBuffer(string: "id: a\u{0}b\nretry: 1x\nretry:\ndata: y\n\n"))
        let frame = try next(&framer)
        #expect(frame.id == nil && frame.retry == nil && frame.dataLineCount == 1)
    }

    @Test func `a stream cut at every byte boundary frames the same`() throws {
        let text = "\u{feff}event: x\r\ndata: a\r\n\r\ndata: b\ndata: c\n\n: k\r\rid: 1\rdata: d\r\rdata: e\n\n"
        let whole = try frames([text])
        #expect(whole.count == 5)
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var framer = SSEFramer(), result: [Seen] = [], output: [UInt8] = []
            for piece in [bytes[..<cut], bytes[cut...]] {
                framer.feed(ByteBuffer(bytes: piece))
                while let frame = try framer.next() { result.append(seen(frame, framer)) }
                framer.drain { output += Array($0.readableBytesView) }
            }
            #expect(result == whole && output == bytes)
        }
        var framer = SSEFramer(), result: [Seen] = []
        for byte in bytes {
            framer.feed(ByteBuffer(bytes: [byte]))
            while let frame = try framer.next() { result.append(seen(frame, framer)) }
        }
        #expect(result == whole)
    }

    @Test func `an unchanged run leaves in one slice of the same storage`() throws {
        let input = ByteBuffer(string: String(repeating: "data: x\n\n", count: 100) + "data: ta")
        var framer = SSEFramer(), slices: [ByteBuffer] = []
        framer.feed(input)
        while try framer.next() != nil {}
        framer.drain { slices.append($0) }
        #expect(slices.count == 1)
        #expect(slices.first?.readableBytes == 900)
        let base = input.withUnsafeReadableBytes { $0.baseAddress }
        #expect(slices.first?.withUnsafeReadableBytes { $0.baseAddress } == base)
    }

    @Test func `dropped events cost one slice each run`() throws {
        var framer = SSEFramer(), slices: [String] = [], index = 0
        framer.feed(ByteBuffer(string: (0..<8).map { "data: \($0)\n\n" }.joined()))
        while let frame = try framer.next() {
            if [2, 3, 6].contains(index) { framer.drop(frame) }
            if index == 5 { framer.replace(frame, with: ByteBuffer(string: "data: five\n\n")) }
            index += 1
        }
        framer.drain { slices.append(String(buffer: $0)) }
        #expect(slices == ["data: 0\n\ndata: 1\n\n", "data: 4\n\n", "data: five\n\n", "data: 7\n\n"])
        framer.drain { slices.append(String(buffer: $0)) }
        #expect(slices.count == 4)
    }

    @Test func `dropping the head of a stream does not turn a later mark into a leading one`() throws {
        var framer = SSEFramer(), output = ""
        framer.feed(ByteBuffer(string: "data: a\n\n\u{feff}data: hidden\n\n"))
        let first = try next(&framer)
        framer.drop(first)
        let second = try next(&framer)
        #expect(second.dataLineCount == 0)
        framer.drain { output += String(buffer: $0) }
        #expect(output == "\n\u{feff}data: hidden\n\n")
    }

    @Test func `an event beyond the limit is an error, complete or not`() throws {
        var framer = SSEFramer(limit: 16)
        framer.feed(ByteBuffer(string: "data: 12345678\n\n"))
        #expect(try framer.next()?.range.count == 16)
        framer.feed(ByteBuffer(string: "data: 12345678901"))
        #expect(throws: SSEError.eventTooLarge) { try framer.next() }
        var other = SSEFramer(limit: 16)
        other.feed(ByteBuffer(string: "data: 123456789\n\n"))
        #expect(throws: SSEError.eventTooLarge) { try other.next() }
    }

    @Test func `the end of the stream yields the event that was cut off`() throws {
        var framer = SSEFramer(), output = ""
        framer.feed(ByteBuffer(string: "data: a\n\ndata: b\ndata: c"))
        #expect(try framer.next() != nil)
        #expect(try framer.next() == nil)
        let end = framer.finish()
        let last = try #require(end)
        #expect(last.isTruncated)
        #expect(framer.data(of: last).map { String(buffer: $0) } == "b\nc")
        framer.drain { output += String(buffer: $0) }
        #expect(output == "data: a\n\ndata: b\ndata: c")
        let nothing = framer.finish()
        #expect(nothing == nil)
    }

    @Test func `a slice with a reader index of its own is framed`() throws {
        var input = ByteBuffer(string: "xxdata: a\n\ndata: b\n\n")
        input.moveReaderIndex(forwardBy: 2)
        var framer = SSEFramer(), output = ""
        framer.feed(input)
        let frame = try next(&framer)
        #expect(framer.data(of: frame).map { String(buffer: $0) } == "a")
        framer.drain { output += String(buffer: $0) }
        #expect(output == "data: a\n\n")
        framer.feed(ByteBuffer(string: "data: c\n\n"))
        #expect(try framer.next().flatMap { framer.data(of: $0) }.map { String(buffer: $0) } == "b")
        #expect(try framer.next().flatMap { framer.data(of: $0) }.map { String(buffer: $0) } == "c")
    }

    @Test func `a round of mutated streams agrees with the plain reading`() {
        let finding = FuzzSubject.sse.round(seed: 42, iterations: 20_000)
        #expect(finding == nil, "\(finding?.reason ?? "") \(finding?.hex ?? "")")
    }

    /// Looking for the other line end up to the end of the bytes, for each line anew, would take a hundred gigabytes' scan and minutes.
    @Test(.timeLimit(.minutes(1)), arguments: ["\r", "\n", "\r\n"]) func `the work of framing grows with the bytes, whatever ends the lines`(end: String) throws {
        var text = String(repeating: "data: x\(end)\(end)", count: 300_000)
        // The other line end stands at the very end.
        text += end == "\r" ? "data: y\n\n" : "data: y\r\r"
        var framer = SSEFramer(), count = 0
        framer.feed(ByteBuffer(string: text))
        while try framer.next() != nil { count += 1 }
        #expect(count == 300_001)
    }

    @Test(arguments: ["\r", "\n", "\r\n"]) func `lines longer than one stretch of the search end where they end`(end: String) throws {
        for length in [500, 506, 511, 512, 513, 1_530, 1_536, 5_000] {
            let line = String(repeating: "a", count: length)
            #expect(try frames(["data: \(line)\(end)data: b\(end)\(end)", "data: c\r\r"]) == [Seen(data: line + "\nb"), Seen(data: "c")], "\(length)")
        }
    }
}
