public import NIOCore

/// What a response parser reads, in order: any number of informational heads, one head, any number of bodies, one end.
public enum HTTPResponseEvent: Sendable {
    /// A 1xx head other than 101; the final head is still to come.
    case informational(HTTPResponseHead)
    case head(HTTPResponseHead)
    /// Decoded content, never empty.
    case body(ByteBuffer)
    /// The message is complete. Trailers are nil when there are none.
    case end(trailers: HTTPFields?)
}
