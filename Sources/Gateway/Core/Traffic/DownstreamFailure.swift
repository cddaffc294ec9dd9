public import GatewayWire

/// Why the client's side of an exchange ended before the exchange did.
public enum DownstreamFailure: Error, Sendable, Equatable {
    /// The client closed or reset the connection.
    case closed
    /// The client did not send, or did not take, bytes in time.
    case timeout
    /// The body is over the limit of the connection or of the route.
    case bodyTooLarge(limit: Int)
    /// The bytes are not HTTP as this gateway understands it.
    case malformed(HTTPParseError)
    /// The gateway shuts down and the drain time is over.
    case shutdown

    /// Bounded value of `error.type`.
    public var code: StaticString {
        switch self {
        case .closed: "client_closed"
        case .timeout: "client_timeout"
        case .bodyTooLarge: "request_too_large"
        case .malformed(let error): error.code
        case .shutdown: "shutdown"
        }
    }
}
