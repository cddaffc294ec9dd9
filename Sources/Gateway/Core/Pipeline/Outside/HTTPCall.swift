public import NIOCore

/// One HTTP exchange with an outside service, as a stage asks for it. Field values may be secret: they never reach a log, a span or an error.
public struct HTTPCall: Sendable {
    /// `GET`, `POST`, …
    public var method: String
    /// Absolute `http` or `https` URL. Redirects are not followed: the answer to the caller is the redirect.
    public var url: String
    /// Sent in this order.
    public var headers: [(name: String, value: String)]
    public var body: ByteBuffer
    /// Time to a usable connection (name, TCP, TLS), milliseconds; 0 leaves it to the total. Default 5000.
    public var connectTimeoutMilliseconds: Int
    /// Time from the start to the last byte of the answer, milliseconds; 0 is no limit. Default 10,000.
    public var totalTimeoutMilliseconds: Int
    /// The largest answer; a longer one fails with ``HTTPCallFailure/Code/responseTooLarge``. Default 4 MiB.
    public var maximumResponseBytes: Int
    public var tls: HTTPCallTLS
    /// nil: the service is asked directly, whatever the process's environment says.
    public var proxy: HTTPCallProxy?
    /// Which addresses may be connected to, asked after the name was resolved; nil: all. Not with a proxy, which resolves names itself.
    public var admits: (@Sendable (IPAddress) -> Bool)?

    public init(
        method: String = "POST", url: String, headers: [(name: String, value: String)] = [], body: ByteBuffer = ByteBuffer(), connectTimeoutMilliseconds: Int = 5000,
        totalTimeoutMilliseconds: Int = 10_000, maximumResponseBytes: Int = 4 << 20, tls: HTTPCallTLS = HTTPCallTLS(), proxy: HTTPCallProxy? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.totalTimeoutMilliseconds = totalTimeoutMilliseconds
        self.maximumResponseBytes = maximumResponseBytes
        self.tls = tls
        self.proxy = proxy
    }
}

/// How the other side's certificate is checked. Default: against the system's authorities and the process's own (`KONG_LUA_SSL_TRUSTED_CERTIFICATE`).
public struct HTTPCallTLS: Sendable, Hashable {
    /// Whether certificate and name are checked; Kong's `ssl_verify` and `https_verify`.
    public var verifiesPeer: Bool
    /// PEM file of authorities to trust instead of the process's own; nil: those.
    public var authorityFile: String?
    /// PEM files of the client's certificate chain and key.
    public var certificateFile: String?
    public var keyFile: String?

    public init(verifiesPeer: Bool = true, authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.verifiesPeer = verifiesPeer
        self.authorityFile = authorityFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// A forward proxy; `https` services are reached through CONNECT (RFC 9110 section 9.3.6).
public struct HTTPCallProxy: Sendable, Hashable {
    public var scheme: String
    public var host: String
    public var port: Int
    /// Basic credentials for the proxy; may be secret.
    public var username: String?
    public var password: String?

    public init(scheme: String = "http", host: String, port: Int, username: String? = nil, password: String? = nil) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.username = username
        self.password = password
    }
}

/// A complete answer. Any status is an answer; only an exchange that broke is a ``HTTPCallFailure``.
public struct HTTPAnswer: Sendable {
    public let status: Int
    /// Names in lower case, in the order received.
    public let headers: [(name: String, value: String)]
    public let body: ByteBuffer

    public init(status: Int, headers: [(name: String, value: String)] = [], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first value of a field.
    ///
    /// - Parameter name: in lower case.
    public func header(_ name: String) -> String? { self.headers.first { $0.name == name }?.value }
}

/// Why a call has no answer. Carries no text of the request or of the peer.
public struct HTTPCallFailure: Error, Sendable, Equatable {
    public enum Code: Sendable, CaseIterable {
        /// URL, field or file name cannot be used: repeating does not help.
        case invalidRequest
        case resolveFailed, connectFailed
        /// The connection was not usable in time; nothing was sent.
        case connectTimeout
        case tlsFailed
        /// The total time was over after the connection was made.
        case timeout
        case sendFailed, receiveFailed, responseTooLarge
        /// The peer does not speak HTTP.
        case protocolError
        /// Too many calls wait already; nothing was sent.
        case queueFull
        case cancelled
        /// The process stops.
        case shutDown
        /// No address of the host is one that ``HTTPCall/admits`` lets through; nothing was sent.
        case addressRefused
        case other

        /// The `error.type` of the call's span, and of the stage where that fails for it.
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
            case .other: "call_failed"
            }
        }
    }

    public let code: Code
    /// Whether the whole request had left, so that the other side may have acted on it although no answer came.
    public let wasSent: Bool

    public init(_ code: Code, wasSent: Bool = false) {
        self.code = code
        self.wasSent = wasSent
    }

    /// The failure of a plugin that can do nothing about it.
    public var pluginFailure: PluginFailure { PluginFailure(self.code.name, message: "the call to an outside service failed: \(self.code.name)") }
}
