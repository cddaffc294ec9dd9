/// How long a response's content is (RFC 9112 section 6.3).
public enum HTTPResponseFraming: Sendable, Equatable {
    /// No content, whatever the fields announce: answers to HEAD, 1xx, 204, 304, 2xx to CONNECT.
    case none
    /// Content-Length, in bytes; may be 0.
    case length(Int)
    /// Transfer-Encoding: chunked.
    case chunked
    /// Until the peer closes.
    case untilClose
}
