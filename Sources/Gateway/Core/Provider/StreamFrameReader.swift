import GatewayWire
import NIOCore

/// Cuts a provider's stream into frames, whatever its framing: bytes may be split anywhere.
struct StreamFrameReader {
    private var framer: Framer

    private enum Framer {
        case events(SSEFramer)
        case lines(LineFramer)
        case array(JSONArrayFramer)
        case messages(EventStreamFramer)
    }

    init(_ framing: StreamFraming) {
        switch framing {
        case .serverSentEvents: self.framer = .events(SSEFramer())
        case .lines: self.framer = .lines(LineFramer())
        case .array: self.framer = .array(JSONArrayFramer())
        case .eventStream: self.framer = .messages(EventStreamFramer())
        }
    }

    /// Reads all frames that are complete with these bytes.
    ///
    /// - Parameter quiet: is called for server-sent comments and fields without data: no events, but signs of life.
    mutating func read(_ bytes: ByteBuffer, quiet: () -> Void = {}, _ body: (StreamFrame) throws(ProviderFailure) -> Void) throws(ProviderFailure) {
        do {
            switch self.framer {
            case .events(var framer):
                // The framer's buffer must not be shared while it grows.
                self.framer = .lines(LineFramer())
                defer { self.framer = .events(framer) }
                framer.feed(bytes)
                while let frame = try framer.next() {
                    guard let data = framer.data(of: frame), data.readableBytes > 0 else {
                        quiet()
                        continue
                    }
                    try body(StreamFrame(name: frame.name.map { ByteBuffer(framer.view($0)) }, data: data))
                }
            case .lines(var framer):
                self.framer = .array(JSONArrayFramer())
                defer { self.framer = .lines(framer) }
                framer.feed(bytes)
                while let line = try framer.next() { try body(StreamFrame(data: line)) }
            case .array(var framer):
                self.framer = .lines(LineFramer())
                defer { self.framer = .array(framer) }
                framer.feed(bytes)
                while let element = try framer.next() { try body(StreamFrame(data: element)) }
            case .messages(var framer):
                self.framer = .lines(LineFramer())
                defer { self.framer = .messages(framer) }
                framer.feed(bytes)
                while let message = try framer.next() { try body(StreamFrameReader.frame(message)) }
            }
        } catch let failure as ProviderFailure {
            throw failure
        } catch let error as EventStreamError {
            throw ProviderFailure(error.code, status: 502, message: "the provider's stream is broken")
        } catch {
            throw ProviderFailure("event_too_large", status: 502, message: "an event of the provider's stream is too large")
        }
    }

    private static func frame(_ message: EventStreamMessage) -> StreamFrame {
        guard message.kind == .error else { return StreamFrame(name: message.name, data: message.payload, isFailure: message.kind == .exception) }
        // Failures outside the service's model have their text in a header.
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("message", message.header(":error-message").map { ChatText(plain: $0) })
        writer.endObject()
        return StreamFrame(name: message.name, data: writer.buffer, isFailure: true)
    }

    /// A last frame that the end of the stream completes: some servers leave out the line end behind it.
    mutating func finish() -> StreamFrame? {
        switch self.framer {
        case .events(var framer):
            guard let frame = framer.finish(), let data = framer.data(of: frame), data.readableBytes > 0 else { return nil }
            return StreamFrame(name: frame.name.map { ByteBuffer(framer.view($0)) }, data: data)
        case .lines(var framer): return framer.finish().map { StreamFrame(data: $0) }
        case .array, .messages: return nil
        }
    }
}
