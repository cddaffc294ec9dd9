extension EntityCollector {
    private typealias Fields = [String: CredentialEntity.Value]

    /// Algorithms of Kong 3.15's `jwt_secrets`.
    private static let jwtAlgorithms = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES256K", "ES384", "ES512", "ESB256", "ESB320", "ESB384", "ESB512",
        "ESP256", "ESP384", "ESP512", "PS256", "PS384", "PS512", "EdDSA", "Ed25519", "Ed448",
    ]

    /// The fields of one kind of credential.
    func decodeFields(_ node: inout ConfigurationNode, _ kind: CredentialEntity.Kind) -> [String: CredentialEntity.Value] {
        var fields: Fields = [:]
        switch kind {
        case .keyAuth, .keyAuthEncrypted:
            self.required(&node, "key", "a generated key would be known to nobody: give one", &fields)
            if let seconds = node.optionalInt("ttl", in: 0...100_000_000) { fields["ttl"] = .integer(seconds) }
        case .basicAuth:
            self.required(&node, "username", nil, &fields)
            self.required(&node, "password", nil, &fields)
        case .jwt:
            self.required(&node, "key", "a generated key would be known to nobody: give one", &fields)
            fields["algorithm"] = .text(node.string("algorithm", default: "HS256", .oneOf(Self.jwtAlgorithms)))
            self.optional(&node, "secret", &fields)
            self.optional(&node, "rsa_public_key", &fields)
            self.checkJWT(node, fields)
        case .hmacAuth:
            self.required(&node, "username", nil, &fields)
            self.required(&node, "secret", "a generated secret would be known to nobody: give one", &fields)
        case .acl:
            self.required(&node, "group", nil, &fields)
        case .mutualTLS:
            self.required(&node, "subject_name", nil, &fields)
            if let authority = node.reference("ca_certificate") { fields["ca_certificate"] = .text(authority.text) }
        case .oauth2:
            self.oauth2(&node, &fields)
        }
        return fields
    }

    private func checkJWT(_ node: borrowing ConfigurationNode, _ fields: [String: CredentialEntity.Value]) {
        guard case .text(let algorithm) = fields["algorithm"] else { return }
        if algorithm.hasPrefix("HS") {
            if fields["secret"] == nil { node.report("is required for \(algorithm)", at: "secret") }
        } else if fields["rsa_public_key"] == nil {
            node.report("is required for \(algorithm)", at: "rsa_public_key")
        }
    }

    private func oauth2(_ node: inout ConfigurationNode, _ fields: inout [String: CredentialEntity.Value]) {
        self.required(&node, "name", nil, &fields)
        self.required(&node, "client_id", "a generated identifier would be known to nobody: give one", &fields)
        self.optional(&node, "client_secret", &fields)
        fields["client_type"] = .text(node.string("client_type", default: "confidential", .oneOf(["confidential", "public"])))
        fields["hash_secret"] = .boolean(node.bool("hash_secret", default: false))
        if let uris = node.optionalStrings("redirect_uris", .url) { fields["redirect_uris"] = .list(uris) }
    }

    private func required(_ node: inout ConfigurationNode, _ key: String, _ hint: String?, _ fields: inout [String: CredentialEntity.Value]) {
        guard node.isPresent(key) else {
            _ = node.document(key)
            node.report("is required", at: key, hint: hint)
            return
        }
        self.optional(&node, key, &fields)
    }

    private func optional(_ node: inout ConfigurationNode, _ key: String, _ fields: inout [String: CredentialEntity.Value]) {
        if let text = node.optionalString(key, .nonEmpty, referenceable: true) { fields[key] = .text(text) }
    }
}
