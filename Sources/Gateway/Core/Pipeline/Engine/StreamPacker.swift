import GatewayWire
import NIOCore

/// Puts events that stages have seen one by one into the framing the client reads.
final class StreamPacker {
    private let framing: StreamFraming
    private var hasElements = false

    init(_ framing: StreamFraming) { self.framing = framing }

    /// Whether the events are elements of one JSON array, which has to be ended.
    var isArray: Bool { self.framing == .array }

    func add(_ data: ByteBuffer, name: ByteBuffer? = nil, into output: inout ByteBuffer) {
        switch self.framing {
        case .serverSentEvents: _ = SSEWriter.event(data: data, name: name?.readableBytesView, into: &output)
        case .lines:
            output.writeImmutableBuffer(data)
            output.writeInteger(UInt8(ascii: "\n"))
        case .array:
            output.writeStaticString(self.hasElements ? ",\n" : "[")
            self.hasElements = true
            output.writeImmutableBuffer(data)
        case .eventStream: EventStreamWriter.message(named: name ?? ByteBuffer(), payload: FramedEvents.wrapped(data, named: name), into: &output)
        }
    }

    func end(into output: inout ByteBuffer) {
        if self.isArray { output.writeStaticString(self.hasElements ? "]" : "[]") }
    }
}
