/// A protocol the gateway proxies. Kong's `grpc`, `tcp`, `tls` and `udp` families are refused when a file names them.
public enum TrafficProtocol: String, Sendable, Hashable, CaseIterable {
    case http
    case https
    /// WebSocket in plaintext.
    case ws
    /// WebSocket over TLS.
    case wss

    /// Whether it runs over TLS.
    public var isSecure: Bool { self == .https || self == .wss }
}

/// Every protocol Kong knows, to tell a typing error from a protocol that is refused.
enum KongProtocol: String, CaseIterable {
    case http, https, ws, wss, grpc, grpcs, tcp, tls, tlsPassthrough = "tls_passthrough", udp

    var supported: TrafficProtocol? { TrafficProtocol(rawValue: self.rawValue) }

    static func refusal(_ value: KongProtocol) -> String {
        "\"\(value.rawValue)\" is not proxied by an AI gateway: only http, https, ws and wss are"
    }
}
