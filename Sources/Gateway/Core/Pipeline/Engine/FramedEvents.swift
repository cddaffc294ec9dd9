import GatewayWire
import NIOCore

/// Cuts a stream that is no server-sent events into the events that stages see.
///
/// Bedrock's InvokeModelWithResponseStream has the model's own events as base64 in events named `chunk`
/// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html): stages see what is in them, and ``StreamPacker`` puts it back.
struct FramedEvents {
    private var frames: StreamFrameReader
    private let isEventStream: Bool

    init(_ framing: StreamFraming) {
        self.frames = StreamFrameReader(framing)
        self.isEventStream = framing == .eventStream
    }

    /// The events that these bytes complete.
    mutating func read(_ bytes: ByteBuffer, _ body: (StreamFrame) -> EventDisposition) throws(ProviderFailure) -> [StreamEvent] {
        var events: [StreamEvent] = []
        let isEventStream = self.isEventStream
        try self.frames.read(bytes) { (frame) throws(ProviderFailure) in
            if body(frame) == .pass { events.append(try FramedEvents.event(frame, isEventStream: isEventStream)) }
        }
        return events
    }

    /// A last event whose end the sender left out.
    mutating func finish() -> StreamEvent? { self.frames.finish().map { StreamEvent(data: $0.data, name: $0.name) } }

    private static func event(_ frame: StreamFrame, isEventStream: Bool) throws(ProviderFailure) -> StreamEvent {
        guard isEventStream, FramedEvents.isChunk(frame.name) else { return StreamEvent(data: frame.data, name: frame.name) }
        // What cannot be read must not pass as if it had been seen.
        guard let document = try? JSONDocument(frame.data), let bytes = document["bytes"]?.text.flatMap({ Base64.decode($0) }) else {
            throw ProviderFailure("event_unreadable", status: 502, message: "an event of the provider's stream cannot be read")
        }
        return StreamEvent(data: bytes, name: frame.name)
    }

    private static func isChunk(_ name: ByteBuffer?) -> Bool { name?.readableBytesView.elementsEqual("chunk".utf8) ?? false }

    /// An event's payload as its name asks for it.
    static func wrapped(_ data: ByteBuffer, named name: ByteBuffer?) -> ByteBuffer {
        guard FramedEvents.isChunk(name) else { return data }
        var payload = ByteBuffer(staticString: "{\"bytes\":\"")
        payload.writeImmutableBuffer(Base64.encode(data))
        payload.writeStaticString("\"}")
        return payload
    }
}
