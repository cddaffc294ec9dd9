public import GatewayCore

/// Configuration of `pellucid-direct`, which the mode without a file makes for itself.
public struct DirectProxyConfiguration: GatewayConfiguration, Hashable {
    public enum RouteType: String, Sendable, Hashable, CaseIterable {
        case chat = "llm/v1/chat"
        case completions = "llm/v1/completions"
        case embeddings = "llm/v1/embeddings"
        case models
    }

    public enum Format: String, Sendable, Hashable, CaseIterable {
        case openai, anthropic

        var modelFormat: ModelFormat { self == .openai ? .openai : .anthropic }
    }

    /// A provider and the key it is asked with.
    public struct Provider: Sendable, Hashable {
        public let name: String
        /// nil: it is asked without one.
        public let key: String?
        /// URL below which operations lie (`https://api.openai.com/v1`); nil: the provider's own.
        public let baseURL: String?
    }

    public let routeType: RouteType
    /// What clients speak: openai or anthropic. Default openai.
    public let format: Format
    public let providers: [Provider]
    /// Key that clients must send as `Authorization: Bearer …`; nil: none.
    public let clientKey: String?

    public init(from node: inout ConfigurationNode) {
        self.routeType = node.requiredChoice("route_type", placeholder: .chat)
        self.format = node.choice("llm_format", default: .openai)
        self.providers = node.objects("providers") { provider in
            Provider(
                name: provider.requiredString("name"), key: provider.optionalString("key", referenceable: true), baseURL: provider.optionalString("base_url", .url))
        }
        self.clientKey = node.optionalString("client_key", referenceable: true)
    }
}
