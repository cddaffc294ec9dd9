public import GatewayCore

/// Configuration of `ai-azure-content-safety`. Names, types, limits and defaults: Kong 3.15.
public struct AIAzureContentSafetyConfiguration: GatewayConfiguration, Hashable {
    /// A category of harm and the severity at which texts are refused.
    public struct Category: Sendable, Hashable {
        public let name: String
        public let rejectionLevel: Int
    }

    public enum OutputType: String, Sendable, Hashable, CaseIterable { case four = "FourSeverityLevels", eight = "EightSeverityLevels" }

    public let common: GuardSettings
    /// The `text:analyze` operation; a URL without a path gets the operation's.
    public let serviceURL: String
    public let apiKey: String?
    public let apiVersion: String
    public let categories: [Category]
    public let blocklists: [String]
    /// Whether the service stops at the first hit of a blocklist. Default true.
    public let haltsOnBlocklist: Bool
    public let outputType: OutputType
    /// Whether clients are told why they were refused. Default true.
    public let revealsReason: Bool
    public let verifiesPeer: Bool
    public let identity: Identity

    /// Azure identities instead of a key.
    public struct Identity: Sendable, Hashable {
        public let isUsed: Bool
        public let clientID: String?
        public let clientSecret: String?
        public let tenantID: String?
    }

    public init(from node: inout ConfigurationNode) {
        self.common = GuardSettings(from: &node, textSource: .everything)
        self.serviceURL = node.requiredString("content_safety_url", .url, referenceable: true)
        self.apiKey = node.optionalString("content_safety_key", referenceable: true)
        self.apiVersion = node.optionalString("azure_api_version", .length(1...200)) ?? "2023-10-01"
        self.categories = node.objects("categories") { Category(name: $0.requiredString("name"), rejectionLevel: $0.requiredInt("rejection_level")) }
        self.blocklists = node.strings("blocklist_names", default: [])
        self.haltsOnBlocklist = node.bool("halt_on_blocklist_hit", default: true)
        self.outputType = node.choice("output_type", default: .four)
        self.revealsReason = node.bool("reveal_failure_reason", default: true)
        self.verifiesPeer = node.bool("ssl_verify", default: true)
        self.identity = Identity(
            isUsed: node.bool("azure_use_managed_identity", default: false), clientID: node.optionalString("azure_client_id"),
            clientSecret: node.optionalString("azure_client_secret"), tenantID: node.optionalString("azure_tenant_id"))
        if !self.identity.isUsed { node.warnWithoutEffect("azure_client_id", "azure_client_secret", "azure_tenant_id") }
        for category in self.categories where self.outputType == .four && ![0, 2, 4, 6].contains(category.rejectionLevel) {
            node.warn("\(category.rejectionLevel) of \(category.name) is no level of FourSeverityLevels: the next higher one refuses", at: "categories", hint: "0, 2, 4 or 6")
        }
    }
}
