public import NIOCore

/// What a request parser reads, in order: one head, any number of bodies, one end.
public enum HTTPRequestEvent: Sendable {
    case head(HTTPRequestHead)
    /// Decoded content, never empty.
    case body(ByteBuffer)
    /// The message is complete. Trailers are nil when there are none.
    case end(trailers: HTTPFields?)
}
