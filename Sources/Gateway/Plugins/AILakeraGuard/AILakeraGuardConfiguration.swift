public import GatewayCore

/// Configuration of `ai-lakera-guard`. Names, types, limits and defaults: Kong 3.15.
public struct AILakeraGuardConfiguration: GatewayConfiguration, Hashable {
    public let common: GuardSettings
    /// URL of the guard operation. Default https://api.lakera.ai/v2/guard.
    public let serviceURL: String
    /// Sent as bearer token; nil for an instance of one's own that asks for none.
    public let apiKey: String?
    /// nil: the subscription's default project.
    public let projectID: String?
    public let requestFailureMessage: String
    public let responseFailureMessage: String
    /// Whether clients are told which detectors struck. Default false.
    public let revealsCategories: Bool
    public let timeoutMilliseconds: Int
    public let verifiesPeer: Bool

    public init(from node: inout ConfigurationNode) {
        self.common = GuardSettings(from: &node, textSource: .everything)
        self.serviceURL = node.optionalString("lakera_service_url", .url, referenceable: true) ?? "https://api.lakera.ai/v2/guard"
        self.apiKey = node.optionalString("api_key", referenceable: true)
        self.projectID = node.optionalString("project_id", referenceable: true)
        self.requestFailureMessage = node.optionalString("request_failure_message") ?? "Request was filtered by Lakera Guard"
        self.responseFailureMessage = node.optionalString("response_failure_message") ?? "Response was filtered by Lakera Guard"
        self.revealsCategories = node.bool("reveal_failure_categories", default: false)
        self.timeoutMilliseconds = node.guardTimeout()
        self.verifiesPeer = node.bool("verify_ssl", default: true)
    }
}
