/// Something a consumer proves its identity with, or an access group of it; kept by field, each kind's plugin knows what they mean.
public struct CredentialEntity: ConfigurationEntity, Hashable {
    /// The kinds, named as in the file.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case keyAuth = "keyauth_credentials"
        case keyAuthEncrypted = "keyauth_enc_credentials"
        case basicAuth = "basicauth_credentials"
        case jwt = "jwt_secrets"
        case hmacAuth = "hmacauth_credentials"
        case acl = "acls"
        case mutualTLS = "mtls_auth_credentials"
        case oauth2 = "oauth2_credentials"
    }

    /// The value of one field.
    public enum Value: Sendable, Hashable {
        case text(String)
        case list([String])
        case integer(Int)
        case boolean(Bool)
    }

    public let metadata: EntityMetadata
    /// What kind of credential.
    public let kind: Kind
    /// Whose it is.
    public internal(set) var consumerID: String
    /// Fields by Kong's names: `key`, `ttl`, `username`, `password`, `group`, … Values may be secrets.
    public let fields: [String: Value]

    /// A field that holds text.
    public func text(_ field: String) -> String? {
        if case .text(let text) = self.fields[field] { return text }
        return nil
    }

    /// Seconds the credential is valid after it was created (`ttl`).
    public var timeToLiveSeconds: Int? {
        if case .integer(let seconds) = self.fields["ttl"] { return seconds }
        return nil
    }
}
