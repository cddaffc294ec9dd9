import GatewayWire
import NIOCore
import Testing

struct SSEWriterTests {
    private func roundTrip(_ data: String) throws -> String? {
        var output = ByteBuffer()
        let isWritten = SSEWriter.event(data: ByteBuffer(string: data), name: ByteBuffer(string: "n").readableBytesView, id: ByteBuffer(string: "1").readableBytesView, into: &output)
        #expect(isWritten)
        var framer = SSEFramer()
        framer.feed(output)
        let next = try framer.next()
        let frame = try #require(next)
        #expect(framer.isNamed("n", frame) && frame.id != nil)
        #expect(frame.range.count == output.readableBytes)
        return framer.data(of: frame).map { String(buffer: $0) }
    }

    @Test(arguments: ["", "a", "{\"a\": 1}", " lead", "a\nb", "a\n\nb\n", "\n", "data: x"])
    func `what is written is read back`(data: String) throws {
        #expect(try roundTrip(data) == data)
    }

    @Test func `line ends inside data cannot end the event`() throws {
        #expect(try roundTrip("a\r\n\r\ndata: evil\r\rb") == "a\n\ndata: evil\n\nb")
    }

    @Test(arguments: ["a\nb", "a\rb", "a\u{0}"])
    func `a name or id that could end its line is refused`(text: String) {
        var output = ByteBuffer()
        let view = ByteBuffer(string: text).readableBytesView
        let named = SSEWriter.event(data: ByteBuffer(), name: view, into: &output)
        let identified = SSEWriter.event(data: ByteBuffer(), id: view, into: &output)
        #expect(!named && !identified && output.readableBytes == 0)
    }

    @Test func `fixed events are written`() {
        var output = ByteBuffer()
        SSEWriter.event(data: ByteBuffer(string: "{}"), name: "ping", into: &output)
        SSEWriter.comment("keep-alive", into: &output)
        SSEWriter.retry(milliseconds: 1500, into: &output)
        SSEWriter.done(into: &output)
        #expect(String(buffer: output) == "event: ping\ndata: {}\n\n: keep-alive\n\nretry: 1500\n\ndata: [DONE]\n\n")
    }
}
