/// Why an upstream exchange failed. Closed; the code is the `error.type` of the attempt.
public enum UpstreamFailure: Error, Sendable, Equatable {
    case nameResolution
    case connectRefused
    case connectTimeout
    case tls
    /// The proxy on the way to the upstream did not open a tunnel.
    case proxyRefused
    /// As many connections to the upstream are busy as may be, and none became free in the time to connect.
    case connectionLimit
    /// No target of the service's upstream may be used.
    case noTarget
    case sendTimeout
    case readTimeout
    /// The upstream closed before any byte of a response.
    case closedBeforeResponse
    /// The upstream closed in the middle of a response.
    case closedMidResponse
    /// The response is not HTTP/1.1 as this gateway understands it.
    case malformed(code: StaticString)
    /// The gateway has no credentials for the upstream; nothing was sent.
    case unauthorized(code: StaticString)
    /// An answer came, and the balancer prefers another target's: its status or content is one of the configured criteria.
    case declined(code: StaticString)
    /// The gateway gave the exchange up: the client went away, or it shuts down.
    case cancelled

    public static func == (a: UpstreamFailure, b: UpstreamFailure) -> Bool { a.code.description == b.code.description }

    public var code: StaticString {
        switch self {
        case .nameResolution: "name_resolution_failed"
        case .connectRefused: "connection_refused"
        case .connectTimeout: "connect_timeout"
        case .tls: "tls_failed"
        case .proxyRefused: "proxy_refused"
        case .connectionLimit: "connection_limit"
        case .noTarget: "no_target"
        case .sendTimeout: "send_timeout"
        case .readTimeout: "read_timeout"
        case .closedBeforeResponse: "connection_closed"
        case .closedMidResponse: "response_truncated"
        case .malformed(let code): code
        case .unauthorized(let code): code
        case .declined(let code): code
        case .cancelled: "cancelled"
        }
    }

    /// Status and message the client gets when nothing was sent yet, as Kong words them.
    public var answer: (status: Int, message: StaticString) {
        switch self {
        case .connectTimeout, .sendTimeout, .readTimeout: (504, "The upstream server is timing out")
        case .nameResolution: (503, "name resolution failed")
        case .unauthorized: (502, "The gateway could not authenticate itself to the upstream server")
        case .connectionLimit: (503, "No connection to the upstream server is free")
        case .noTarget: (503, "failure to get a peer from the ring-balancer")
        case .connectRefused, .tls, .proxyRefused, .closedBeforeResponse, .closedMidResponse, .malformed, .cancelled:
            (502, "An invalid response was received from the upstream server")
        case .declined(let code): (UpstreamFailure.status(ofDeclined: code), "The model's provider refused the request, and no other target is left")
        }
    }

    /// The status an answer had that was declined for another target: its code says it.
    private static func status(ofDeclined code: StaticString) -> Int { Int(code.description).flatMap { 400...599 ~= $0 ? $0 : nil } ?? 502 }

    /// Whether no byte of the request can have reached the upstream, so that any method may be tried again.
    public var isBeforeSend: Bool {
        switch self {
        case .nameResolution, .connectRefused, .connectTimeout, .tls, .proxyRefused, .connectionLimit, .unauthorized: true
        default: false
        }
    }
}
