public import NIOCore

/// What the gateway knows of a request's body.
public enum RequestBody {
    /// The request has none.
    case none
    /// Still to be read from the client.
    case unread
    /// Read as far as somebody looked and no further; the rest is still to be read from the client.
    case begun(ByteBuffer)
    /// Read, and opaque.
    case bytes(ByteBuffer)
    /// A model operation's JSON, scanned: a view over the bytes, changed by splicing.
    case model(ModelRequestBody)
}
