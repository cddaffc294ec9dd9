/// Names of the HTTP conventions before they were stable: semantic conventions 1.20
/// (https://github.com/open-telemetry/semantic-conventions/blob/v1.20.0/specification/trace/semantic_conventions/http.md).
public enum FormerNames {
    public static let httpMethod: StaticString = "http.method"
    public static let httpStatusCode: StaticString = "http.status_code"
    public static let httpScheme: StaticString = "http.scheme"
    public static let httpTarget: StaticString = "http.target"
    public static let httpClientIP: StaticString = "http.client_ip"
    public static let httpRequestContentLength: StaticString = "http.request_content_length"
    public static let httpResponseContentLength: StaticString = "http.response_content_length"
    public static let httpResendCount: StaticString = "http.resend_count"
    public static let netHostName: StaticString = "net.host.name"
    public static let netHostPort: StaticString = "net.host.port"
    public static let netPeerName: StaticString = "net.peer.name"
    public static let netPeerPort: StaticString = "net.peer.port"
    public static let netSockPeerAddr: StaticString = "net.sock.peer.addr"
    public static let netProtocolVersion: StaticString = "net.protocol.version"
}
