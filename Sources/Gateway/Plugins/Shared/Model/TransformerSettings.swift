import GatewayCore

/// What Kong's AI transformers have in common in their configurations. Names, types, limits and defaults: Kong 3.15.
public struct TransformerSettings: Sendable, Hashable {
    /// What the model is told to do with the body it gets.
    public let prompt: String
    public let model: AIProxyConfiguration
    /// The first match of this in the model's answer is the new body; an answer without one is a failure.
    public let extractPattern: String?
    /// The longest body that is given to the model, bytes. Default 1 MiB; 0 is no limit of its own.
    public let maximumBodyBytes: Int
    /// `llm.description` and `llm.weight`: of use to ai-proxy-advanced's balancer only, accepted here as by Kong.
    public let modelDescription: String?
    public let modelWeight: Int
    let route: ModelEndpoint.Route

    init(from node: inout ConfigurationNode) {
        self.prompt = node.requiredString("prompt")
        self.extractPattern = node.optionalPattern("transformation_extract_pattern", options: GuardPatterns.options)
        self.maximumBodyBytes = node.int("max_request_body_size", default: 1_048_576, in: 0...Int.max)
        (self.modelDescription, self.modelWeight, self.model) = node.requiredObject("llm") { llm in
            _ = llm.object("metadata") { $0.ignoreUnknownKeys() }
            let description = llm.optionalString("description")
            let weight = llm.int("weight", default: 100, in: 1...65_535)
            llm.warnWithoutEffect("description", "weight")
            return (description, weight, AIProxyConfiguration(from: &llm))
        }
        var route = ModelEndpoint.Route()
        route.timeoutMilliseconds = node.int("http_timeout", default: 60_000, in: 0...86_400_000)
        route.verifiesPeer = node.bool("https_verify", default: true)
        let plain = (node.optionalString("http_proxy_host", .host), node.optionalInt("http_proxy_port", in: 0...65_535))
        let secure = (node.optionalString("https_proxy_host", .host), node.optionalInt("https_proxy_port", in: 0...65_535))
        node.requireTogether("http_proxy_host", "http_proxy_port")
        node.requireTogether("https_proxy_host", "https_proxy_port")
        if let host = plain.0, let port = plain.1 { route.proxy = HTTPCallProxy(host: host, port: port) }
        if let host = secure.0, let port = secure.1 { route.secureProxy = HTTPCallProxy(host: host, port: port) }
        self.route = route
    }
}
