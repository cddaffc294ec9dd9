public import GatewayCore

/// Configuration of `ai-gcp-model-armor`. Names, types, limits and defaults: Kong 3.15.
public struct AIGCPModelArmorConfiguration: GatewayConfiguration, Hashable {
    public let common: GuardSettings
    public let projectID: String
    public let locationID: String
    public let templateID: String
    public let requestFailureMessage: String
    public let responseFailureMessage: String
    /// Whether clients are told which filters struck. Default false.
    public let revealsCategories: Bool
    /// Whether texts of other languages than the template's are looked at. Default false.
    public let detectsLanguages: Bool
    /// ISO code of the texts' language.
    public let sourceLanguage: String?
    public let timeoutMilliseconds: Int
    public let usesServiceAccount: Bool
    public let serviceAccountJSON: String?
    public let metadataURL: String?
    public let tokenURL: String?

    public init(from node: inout ConfigurationNode) {
        self.common = GuardSettings(from: &node, textSource: .lastMessage)
        self.projectID = node.requiredString("project_id", .pathSegment)
        self.locationID = node.requiredString("location_id", .pathSegment)
        self.templateID = node.requiredString("template_id", .pathSegment)
        self.requestFailureMessage = node.optionalString("request_failure_message") ?? "Request was filtered by GCP Model Armor"
        self.responseFailureMessage = node.optionalString("response_failure_message") ?? "Response was filtered by GCP Model Armor"
        self.revealsCategories = node.bool("reveal_failure_categories", default: false)
        self.detectsLanguages = node.bool("enable_multi_language_detection", default: false)
        self.sourceLanguage = node.optionalString("source_language")
        self.timeoutMilliseconds = node.guardTimeout()
        self.usesServiceAccount = node.bool("gcp_use_service_account", default: false)
        self.serviceAccountJSON = node.optionalString("gcp_service_account_json", referenceable: true)
        self.metadataURL = node.optionalString("gcp_metadata_url", referenceable: true)
        self.tokenURL = node.optionalString("gcp_oauth_token_url", referenceable: true)
        if !self.usesServiceAccount {
            node.warn("is off: Model Armor is asked without credentials", at: "gcp_use_service_account")
            node.warnWithoutEffect("gcp_service_account_json", "gcp_metadata_url", "gcp_oauth_token_url")
        }
        if self.sourceLanguage != nil, !self.detectsLanguages { node.warn("has no effect without enable_multi_language_detection", at: "source_language") }
    }
}

extension StringRule {
    /// What stands between two slashes of a URL without being escaped.
    static var pathSegment: StringRule {
        StringRule("not one segment of a path", hint: "letters, digits and - . _ ~ :") { text in
            !text.isEmpty
                && text.utf8.allSatisfy { (0x30...0x3a).contains($0) || (0x41...0x5a).contains($0 & 0xDF) || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f || $0 == 0x7e }
        }
    }
}
