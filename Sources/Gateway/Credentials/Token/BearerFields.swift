import GatewayCore

/// The field that carries a bearer token (RFC 6750 section 2.1).
enum BearerFields {
    /// Keys a client may have sent for the same purpose must not reach a cloud beside the gateway's own.
    static let replaced = ["Authorization", "api-key", "x-goog-api-key", "x-api-key"]

    static func make(_ token: String?) throws(AuthorizationFailure) -> [(name: String, value: String)] {
        guard let token else { throw AuthorizationFailure("credentials_missing", message: "there is no access token") }
        return [(name: "Authorization", value: "Bearer \(token)")]
    }
}
