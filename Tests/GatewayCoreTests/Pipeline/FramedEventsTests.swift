import GatewayWire
import NIOCore
import Testing

@testable import GatewayCore

/// Streams that are no server-sent events, cut into events for stages and put together again.
@Suite struct FramedEventsTests {
    private static let events: [(name: String?, data: String)] = [
        ("messageStart", #"{"role":"assistant"}"#), ("chunk", #"{"outputText":"grüß","index":0}"#), ("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"text":"a\nb"}}"#),
        ("chunk", #"{"type":"ping"}"#), ("throttlingException", #"{"message":"later"}"#),
    ]

    private static func packed(_ framing: StreamFraming) -> ByteBuffer {
        let packer = StreamPacker(framing)
        var output = ByteBuffer()
        for event in self.events { packer.add(ByteBuffer(string: event.data), name: event.name.map { ByteBuffer(string: $0) }, into: &output) }
        packer.end(into: &output)
        return output
    }

    @Test(arguments: [StreamFraming.serverSentEvents, .lines, .array, .eventStream]) func `what is put together is cut into the same events, wherever the bytes are split`(
        framing: StreamFraming
    ) throws {
        let bytes = Self.packed(framing)
        for step in [1, 2, 3, 7, 64, bytes.readableBytes] {
            var frames = FramedEvents(framing)
            var events: [StreamEvent] = []
            var rest = bytes
            while let piece = rest.readSlice(length: min(step, max(1, rest.readableBytes))) { events += try frames.read(piece) { _ in .pass } }
            #expect(events.map { String(buffer: $0.data) } == Self.events.map(\.data), "\(step) bytes at a time")
            let hasNames = framing == .serverSentEvents || framing == .eventStream
            #expect(events.map { $0.name.map { String(buffer: $0) } } == Self.events.map { hasNames ? $0.name : nil })
        }
    }

    @Test func `a model's own events travel as base64 in AWS's framing, and failures keep their kind`() throws {
        var framer = EventStreamFramer()
        framer.feed(Self.packed(.eventStream))
        var messages: [EventStreamMessage] = []
        while let message = try framer.next() { messages.append(message) }
        #expect(String(buffer: messages[1].payload) == #"{"bytes":"eyJvdXRwdXRUZXh0IjoiZ3LDvMOfIiwiaW5kZXgiOjB9"}"#)
        #expect(messages.map(\.kind) == [.event, .event, .event, .event, .exception])
    }

    @Test(arguments: [#"{"bytes":"*"}"#, #"{"bytes":5}"#, "{}", "no JSON"]) func `what stages cannot see does not pass`(payload: String) {
        var output = ByteBuffer()
        EventStreamWriter.event("chunk", payload: ByteBuffer(string: payload), into: &output)
        var frames = FramedEvents(.eventStream)
        #expect(throws: ProviderFailure.self) { try frames.read(output) { _ in .pass } }
    }

    @Test func `events that are dropped are not given out, and a last line may lack its end`() throws {
        var frames = FramedEvents(.lines)
        let events = try frames.read(ByteBuffer(string: "{\"a\":1}\n{\"b\":2}\n{\"c\":3}")) { frame in frame.data.readableBytesView.contains(UInt8(ascii: "b")) ? .drop : .pass }
        #expect(events.map { String(buffer: $0.data) } == [#"{"a":1}"#])
        #expect(frames.finish().map { String(buffer: $0.data) } == #"{"c":3}"#)
    }
}
