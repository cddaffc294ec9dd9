/// How the gateway names itself.
public enum GatewayIdentity {
    public static let version = "0.1.0"
    /// `Server` of the gateway's own answers.
    static let server = "pellucid/\(GatewayIdentity.version)"
    /// `Via` entry added to requests and responses (RFC 9110 section 7.6.3).
    static let via = "1.1 pellucid/\(GatewayIdentity.version)"
}
