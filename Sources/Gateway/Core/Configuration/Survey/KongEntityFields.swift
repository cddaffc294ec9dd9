/// Fields of Kong 3.15's entities, to find those that no decoder knows (https://developer.konghq.com/api/gateway/admin-ee/3.15/).
enum KongEntityFields {
    private static let common = ["id", "tags", "created_at", "updated_at"]
    private static let credential = ["id", "tags", "created_at", "consumer"]

    static let kinds: [(section: String, fields: [String])] = [
        (
            "services",
            common + [
                "ca_certificates", "client_certificate", "connect_timeout", "enabled", "host", "name", "path", "port", "protocol", "read_timeout", "retries", "tls_sans",
                "tls_verify", "tls_verify_depth", "url", "write_timeout",
            ]
        ),
        (
            "routes",
            common + [
                "destinations", "expression", "headers", "hosts", "https_redirect_status_code", "methods", "name", "path_handling", "paths", "preserve_host", "priority",
                "protocols", "regex_priority", "request_buffering", "response_buffering", "service", "snis", "sources", "strip_path",
            ]
        ),
        ("consumers", common + ["custom_id", "username"]), ("consumer_groups", common + ["name"]),
        (
            "plugins",
            common + ["condition", "config", "consumer", "consumer_group", "enabled", "instance_name", "name", "ordering", "partials", "protocols", "route", "service"]
        ),
        (
            "upstreams",
            common + [
                "algorithm", "client_certificate", "hash_fallback", "hash_fallback_header", "hash_fallback_query_arg", "hash_fallback_uri_capture", "hash_on",
                "hash_on_cookie", "hash_on_cookie_path", "hash_on_header", "hash_on_query_arg", "hash_on_uri_capture", "healthchecks", "host_header", "name", "slots",
                "sticky_sessions_cookie", "sticky_sessions_cookie_path", "use_srv_name",
            ]
        ),
        ("targets", common + ["failover", "target", "upstream", "weight"]), ("certificates", common + ["cert", "cert_alt", "key", "key_alt", "snis"]),
        ("snis", common + ["certificate", "name"]), ("ca_certificates", common + ["cert", "cert_digest"]),
        ("vaults", common + ["config", "description", "name", "prefix"]), ("keys", common + ["jwk", "kid", "name", "pem", "set", "x5t"]), ("key_sets", common + ["name"]),
        ("partials", common + ["config", "name", "type"]), ("keyauth_credentials", credential + ["key", "ttl"]),
        ("basicauth_credentials", credential + ["username", "password"]), ("hmacauth_credentials", credential + ["username", "secret"]),
        ("jwt_secrets", credential + ["algorithm", "key", "rsa_public_key", "secret"]), ("acls", credential + ["group"]),
        ("mtls_auth_credentials", credential + ["ca_certificate", "subject_name"]),
        ("oauth2_credentials", credential + ["client_id", "client_secret", "client_type", "hash_secret", "name", "redirect_uris"]),
    ]

    /// What makes an entity of a kind valid enough for its other fields to be judged by themselves.
    static func base(_ section: String) -> [(String, DocumentNode)] {
        switch section {
        case "services": [("protocol", .text("https"))]
        case "routes": [("protocols", .list([.text("https")]))]
        case "vaults": [("name", .text("env"))]
        case "certificates": [("cert_alt", .text(ConfigurationSurvey.pem)), ("key_alt", .text(ConfigurationSurvey.pem))]
        default: []
        }
    }
}
