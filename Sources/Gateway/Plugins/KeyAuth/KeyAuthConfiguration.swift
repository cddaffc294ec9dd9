public import GatewayCore

/// Configuration of `key-auth`. Names, types and defaults: Kong 3.15 (whose `hide_credentials` is true by default since 3.14).
public struct KeyAuthConfiguration: GatewayConfiguration, Hashable {
    /// Names of headers, query arguments and body fields a key is looked for in. Default `apikey`.
    public let keyNames: [String]
    /// Whether the key is taken out of the request before it goes to the upstream. Default true.
    public let hidesCredentials: Bool
    /// Consumer (identifier or name) requests without a valid key count as; nil refuses them.
    public let anonymous: String?
    /// Default true.
    public let readsHeader: Bool
    /// Default true.
    public let readsQuery: Bool
    /// Default false.
    public let readsBody: Bool
    /// Whether `OPTIONS` requests need a key too. Default true.
    public let runsOnPreflight: Bool
    /// The `realm` of `WWW-Authenticate`.
    public let realm: String?
    /// Konnect realms consumers may come from; only the control plane's own consumers are used here.
    public let identityRealms: [IdentityRealm]
    /// Kong Identity instead of consumers; cannot be enabled here.
    public let principals: Principals

    /// A Konnect realm.
    public struct IdentityRealm: Sendable, Hashable {
        public let id: String?
        public let region: String?
        public let scope: Scope

        public enum Scope: String, Sendable, Hashable, CaseIterable {
            /// The consumers of the configuration.
            case controlPlane = "cp"
            /// A realm in Konnect.
            case realm
        }
    }

    /// Kong Identity.
    public struct Principals: Sendable, Hashable {
        public let directory: String
        public let isEnabled: Bool
        public let errorOnMiss: Bool
    }

    public init(from node: inout ConfigurationNode) {
        self.keyNames = node.strings("key_names", default: ["apikey"], .headerName)
        self.hidesCredentials = node.bool("hide_credentials", default: true)
        self.anonymous = node.optionalString("anonymous")
        self.readsHeader = node.bool("key_in_header", default: true)
        self.readsQuery = node.bool("key_in_query", default: true)
        self.readsBody = node.bool("key_in_body", default: false)
        self.runsOnPreflight = node.bool("run_on_preflight", default: true)
        self.realm = node.optionalString("realm")
        self.identityRealms = node.objects("identity_realms") { realm in
            IdentityRealm(
                id: realm.optionalString("id", .uuid), region: realm.optionalString("region"),
                scope: realm.choice("scope", default: .controlPlane))
        }
        self.principals = node.objectOrDefaults("principals") { principals in
            let result = Principals(
                directory: principals.string("directory", default: "default"), isEnabled: principals.bool("enabled", default: false),
                errorOnMiss: principals.bool("error_on_miss", default: true))
            if result.isEnabled { principals.report("Kong Identity is not available here", at: "enabled", hint: "use consumers with keyauth_credentials") }
            return result
        }
        if self.identityRealms.contains(where: { $0.scope == .realm }) {
            node.warn("realms of Konnect are not asked: only the consumers of this configuration can authenticate", at: "identity_realms")
        }
    }
}
