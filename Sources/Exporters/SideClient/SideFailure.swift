/// Why an exchange of the ``SideClient`` has no response. Carries no text of the request or of the peer.
public struct SideFailure: Error, Sendable, Equatable {
    public enum Code: Sendable, Equatable, CaseIterable {
        /// The URL, a header or a TLS file name cannot be used. Repeating does not help.
        case invalidRequest
        case resolveFailed
        case connectFailed
        /// The connection was not usable in time; nothing was sent.
        case connectTimeout
        /// Handshake, certificate or TLS file.
        case tlsFailed
        /// The total time was over after the connection was made.
        case timeout
        case sendFailed
        /// The connection broke before the response was complete.
        case receiveFailed
        case responseTooLarge
        /// The peer does not speak HTTP.
        case protocolError
        /// The waiting queue is full; nothing was sent.
        case queueFull
        case cancelled
        /// The client has been shut down.
        case shutDown
        /// No address of the host is one that the request may go to; nothing was sent.
        case addressRefused
        case other

        /// Bounded spelling, safe as `error.type`.
        public var name: StaticString {
            switch self {
            case .invalidRequest: "invalid_request"
            case .resolveFailed: "resolve_failed"
            case .connectFailed: "connect_failed"
            case .connectTimeout: "connect_timeout"
            case .tlsFailed: "tls_failed"
            case .timeout: "timeout"
            case .sendFailed: "send_failed"
            case .receiveFailed: "receive_failed"
            case .responseTooLarge: "response_too_large"
            case .protocolError: "protocol_error"
            case .queueFull: "queue_full"
            case .cancelled: "cancelled"
            case .shutDown: "shut_down"
            case .addressRefused: "address_refused"
            case .other: "other"
            }
        }
    }

    /// What went wrong, in a closed set.
    public let code: Code
    /// Whether the whole request had left, so that the peer may have acted on it although no answer came.
    public let wasSent: Bool

    public init(_ code: Code, wasSent: Bool = false) {
        self.code = code
        self.wasSent = wasSent
    }
}
