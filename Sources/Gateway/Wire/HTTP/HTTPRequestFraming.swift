/// How long a request's content is (RFC 9112 section 6.3).
public enum HTTPRequestFraming: Sendable, Equatable {
    /// Neither Content-Length nor Transfer-Encoding: no content.
    case none
    /// Content-Length, in bytes; may be 0.
    case length(Int)
    /// Transfer-Encoding: chunked.
    case chunked
}
