import FuzzGenerators
import GatewayWire
import NIOCore
import Testing

struct EventStreamFramerTests {
    private func stream(_ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var output = ByteBuffer()
        write(&output)
        return output
    }

    private func bytes(hex: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        let digits = hex.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue ?? 0) }
        for i in stride(from: 0, to: digits.count, by: 2) { buffer.writeInteger(digits[i] << 4 | digits[i + 1]) }
        return buffer
    }

    @Test func `a message without headers and payload has AWS's published bytes`() throws {
        // "empty_message" of the test vectors of AWS's SDKs.
        var framer = EventStreamFramer()
        framer.feed(self.bytes(hex: "00000010 00000000 05c248eb 7d98c8ff"))
        let next = try framer.next()
        let message = try #require(next)
        #expect(message.payload.readableBytes == 0)
        #expect(message.kind == .event)
        try framer.finish()
    }

    @Test func `a payload without headers has AWS's published bytes`() throws {
        // "payload_no_headers" of the same vectors.
        var framer = EventStreamFramer()
        framer.feed(self.bytes(hex: "0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936"))
        let next = try framer.next()
        #expect(next.map { String(buffer: $0.payload) } == "{'foo':'bar'}")
    }

    @Test func `what the writer writes the framer reads, whatever the cut`() throws {
        let whole = self.stream {
            EventStreamWriter.event("messageStart", payload: ByteBuffer(string: "{\"role\":\"assistant\"}"), into: &$0)
            EventStreamWriter.event("contentBlockDelta", payload: ByteBuffer(string: "{\"delta\":{\"text\":\"Łódź\"}}"), into: &$0)
            EventStreamWriter.exception("throttlingException", payload: ByteBuffer(string: "{\"message\":\"later\"}"), into: &$0)
        }
        for cut in 0...whole.readableBytes {
            var framer = EventStreamFramer()
            var seen: [String] = []
            for range in [0..<cut, cut..<whole.readableBytes] {
                framer.feed(try #require(whole.getSlice(at: range.lowerBound, length: range.count)))
                while let message = try framer.next() { seen.append("\(message.kind) \(String(buffer: message.name)) \(String(buffer: message.payload))") }
            }
            try framer.finish()
            #expect(seen == ["event messageStart {\"role\":\"assistant\"}", "event contentBlockDelta {\"delta\":{\"text\":\"Łódź\"}}", "exception throttlingException {\"message\":\"later\"}"])
        }
    }

    @Test func `headers are found by name`() throws {
        var framer = EventStreamFramer()
        framer.feed(self.stream { EventStreamWriter.event("metadata", payload: ByteBuffer(), into: &$0) })
        let next = try framer.next()
        let message = try #require(next)
        #expect(message.isNamed("metadata") && !message.isNamed("meta"))
        #expect(message.header(":content-type").map { String(buffer: $0) } == "application/json")
        #expect(message.header(":missing") == nil)
    }

    @Test func `a changed byte is noticed wherever it is`() throws {
        let whole = self.stream { EventStreamWriter.event("metadata", payload: ByteBuffer(string: "{}"), into: &$0) }
        for index in 0..<whole.readableBytes {
            var changed = whole
            let byte = try #require(whole.getInteger(at: index, as: UInt8.self))
            changed.setInteger(byte ^ 0x10, at: index)
            var framer = EventStreamFramer()
            framer.feed(changed)
            #expect(throws: EventStreamError.self) {
                _ = try framer.next()
                try framer.finish()
            }
        }
    }

    @Test func `a message beyond the limit is refused before its bytes are there`() {
        var framer = EventStreamFramer(limit: 100)
        var whole = self.stream { EventStreamWriter.event("metadata", payload: ByteBuffer(repeating: 0x20, count: 100), into: &$0) }
        framer.feed(whole.readSlice(length: 12) ?? ByteBuffer())
        #expect(throws: EventStreamError.tooLarge) { _ = try framer.next() }
        #expect(throws: EventStreamError.tooLarge) { _ = try framer.next() }
    }

    @Test func `a cut stream is truncated`() throws {
        var framer = EventStreamFramer()
        var whole = self.stream { EventStreamWriter.event("metadata", payload: ByteBuffer(string: "{}"), into: &$0) }
        framer.feed(whole.readSlice(length: whole.readableBytes - 1) ?? ByteBuffer())
        #expect(try framer.next() == nil)
        #expect(throws: EventStreamError.truncated) { try framer.finish() }
    }

    @Test func `mutated streams are read as the oracle reads them`() {
        #expect(FuzzSubject.eventstream.round(seed: 7, iterations: 3000)?.reason == nil)
    }
}
