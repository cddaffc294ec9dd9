import GatewayWire
import NIOCore

/// Reads the events that a model sends in a WebSocket session, for their facts; the bytes go on untouched.
final class SessionWatcher {
    private let reader: any ModelResponseReader
    private var messages: WebSocketTextReader

    /// - Parameters:
    ///   - maximumMessageBytes: of a message that is read; a longer one passes unread.
    ///   - readsBinary: the model sends its events as binary messages too.
    init(_ reader: any ModelResponseReader, maximumMessageBytes: Int, readsBinary: Bool = false) {
        self.reader = reader
        self.messages = WebSocketTextReader(maximumMessageBytes: maximumMessageBytes, readsBinary: readsBinary)
    }

    var facts: ModelResponseFacts { self.reader.facts }

    /// Bytes that a scanner let pass, all of them and in order.
    func read(_ bytes: ByteBuffer) {
        self.messages.read(bytes) { message in message.withUnsafeReadableBytes { _ = self.reader.event($0) } }
    }
}
