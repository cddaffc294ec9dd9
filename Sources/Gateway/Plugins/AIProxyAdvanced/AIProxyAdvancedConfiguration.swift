public import GatewayCore

/// Configuration of `ai-proxy-advanced`. Names, types, limits and defaults: Kong 3.15.
public struct AIProxyAdvancedConfiguration: GatewayConfiguration, Hashable {
    public let acls: AccessRules
    public let balancer: Balancer
    public let embeddings: EmbeddingsConfiguration?
    public let vectorDatabase: VectorDatabaseConfiguration?
    public let category: Category
    public let format: AIProxyConfiguration.Format
    public let maximumRequestBodyBytes: Int
    public let sendsModelNameHeader: Bool
    public let responseStreaming: AIProxyConfiguration.ResponseStreaming
    public let targets: [Target]

    public enum Category: String, Sendable, Hashable, CaseIterable {
        case textGeneration = "text/generation"
        case textEmbeddings = "text/embeddings"
        case speech = "audio/speech"
        case transcription = "audio/transcription"
        case imageGeneration = "image/generation"
        case videoGeneration = "video/generation"
        case realtime = "realtime/generation"
    }

    public init(from node: inout ConfigurationNode) {
        self.acls = node.configurationOrDefaults("acls")
        self.balancer = node.configurationOrDefaults("balancer")
        self.embeddings = node.configuration("embeddings")
        self.vectorDatabase = node.configuration("vectordb")
        self.category = node.choice("genai_category", default: .textGeneration)
        self.format = node.choice("llm_format", default: .openai)
        self.maximumRequestBodyBytes = node.int("max_request_body_size", default: 1_048_576, in: 0...Int.max)
        self.sendsModelNameHeader = node.bool("model_name_header", default: true)
        self.responseStreaming = node.choice("response_streaming", default: .allow)
        if !node.isPresent("targets") { node.report("is required", at: "targets") }
        self.targets = node.objects("targets", count: 1...65_535) { Target(from: &$0) }
        self.check(&node)
    }

    private func check(_ node: inout ConfigurationNode) {
        if self.balancer.algorithm == .semantic {
            if self.embeddings == nil { node.report("is required by the algorithm semantic", at: "embeddings") }
            if self.vectorDatabase == nil { node.report("is required by the algorithm semantic", at: "vectordb") }
            for (index, target) in self.targets.enumerated() where target.description?.isEmpty ?? true {
                node.report("is required by the algorithm semantic", at: "targets[\(index)].description")
            }
            node.warnIfPresent("vectordb", "strategy, redis and pgvector have no effect in this version: the descriptions' vectors are kept in memory")
            if self.embeddings?.auth.allowsOverride == true { node.warn("has no effect for embeddings: no client's credential is sent there", at: "embeddings.auth.allow_override") }
        } else {
            node.warnIfPresent("embeddings", "has no effect: the algorithm is \(self.balancer.algorithm.rawValue)")
            node.warnIfPresent("vectordb", "has no effect: the algorithm is \(self.balancer.algorithm.rawValue)")
        }
    }

    /// `balancer`. Times in milliseconds.
    public struct Balancer: GatewayConfiguration, Hashable {
        public let algorithm: Algorithm
        public let connectTimeout: Int
        public let readTimeout: Int
        public let writeTimeout: Int
        public let failTimeout: Int
        public let maximumFailures: Int
        public let retries: Int
        public let slots: Int
        public let hashOnHeader: String
        public let latency: LatencyMeasure
        public let usage: UsageMeasure
        public let criteria: [Criterion]

        public enum Algorithm: String, Sendable, Hashable, CaseIterable {
            case roundRobin = "round-robin"
            case lowestLatency = "lowest-latency"
            case lowestUsage = "lowest-usage"
            case consistentHashing = "consistent-hashing"
            case semantic
            case priority
            case leastConnections = "least-connections"
        }

        public enum Criterion: String, Sendable, Hashable, CaseIterable {
            case error, timeout
            case invalidHeader = "invalid_header"
            case http500 = "http_500"
            case http502 = "http_502"
            case http503 = "http_503"
            case http504 = "http_504"
            case http403 = "http_403"
            case http404 = "http_404"
            case http429 = "http_429"
            case nonIdempotent = "non_idempotent"

            var option: FailoverCriteria {
                switch self {
                case .error: .error
                case .timeout: .timeout
                case .invalidHeader: .invalidHeader
                case .http500: .http500
                case .http502: .http502
                case .http503: .http503
                case .http504: .http504
                case .http403: .http403
                case .http404: .http404
                case .http429: .http429
                case .nonIdempotent: .nonIdempotent
                }
            }
        }

        private static let milliseconds = 1...2_147_483_646

        public init(from node: inout ConfigurationNode) {
            self.algorithm = node.choice("algorithm", default: .roundRobin)
            self.connectTimeout = node.int("connect_timeout", default: 60_000, in: Self.milliseconds)
            self.readTimeout = node.int("read_timeout", default: 60_000, in: Self.milliseconds)
            self.writeTimeout = node.int("write_timeout", default: 60_000, in: Self.milliseconds)
            self.failTimeout = node.int("fail_timeout", default: 10_000, in: Self.milliseconds)
            self.maximumFailures = node.int("max_fails", default: 0, in: 0...32_767)
            self.retries = node.int("retries", default: 5, in: 0...32_767)
            self.slots = node.int("slots", default: 10_000, in: 10...65_536)
            self.hashOnHeader = node.string("hash_on_header", default: "X-Kong-LLM-Request-ID", .nonEmpty)
            self.latency = node.choice("latency_strategy", default: .perToken)
            self.usage = node.choice("tokens_count_strategy", default: .totalTokens)
            self.criteria = node.choices("failover_criteria", default: [.error, .timeout])
        }
    }

    /// One of `targets`.
    public struct Target: GatewayConfiguration, Hashable {
        public let routeType: AIProxyConfiguration.RouteType
        public let auth: AIProxyConfiguration.Auth
        public let model: AIProxyConfiguration.Model
        public let logging: AIProxyConfiguration.Logging
        public let weight: Int
        /// What the model is good at; `CATCHALL`: everything that nothing else matches.
        public let description: String?
        /// Kong's own; kept for `_pellucid.balancer`, which names targets by `metadata.name`.
        public let name: String?
        public let metadata: [String]

        public init(from node: inout ConfigurationNode) {
            self.routeType = node.requiredChoice("route_type", placeholder: .chat)
            self.auth = node.configurationOrDefaults("auth")
            self.model = node.requiredObject("model") { AIProxyConfiguration.Model(from: &$0) }
            self.logging = node.configurationOrDefaults("logging")
            self.weight = node.int("weight", default: 100, in: 1...65_535)
            self.description = node.optionalString("description")
            let metadata = node.object("metadata") { metadata -> (name: String?, keys: [String]) in
                let name = metadata.document("name")?.scalar?.text
                metadata.ignoreUnknownKeys()
                return (name, metadata.keys)
            }
            self.name = metadata?.name ?? nil
            self.metadata = metadata?.keys ?? []
            guard node.isPresent("model"), node.isPresent("route_type") else { return }
            if [.bedrock, .gemini].contains(self.model.provider), self.auth.allowsOverride {
                node.report("must be false for the provider \(self.model.provider.rawValue)", at: "auth.allow_override")
            }
            if self.model.provider == .anthropic, self.routeType == .completions, self.logging.logsStatistics {
                node.report("is not available for anthropic with route_type llm/v1/completions", at: "logging.log_statistics")
            }
        }
    }
}

extension ConfigurationNode {
    fileprivate func warnIfPresent(_ key: String, _ problem: String) {
        if self.isPresent(key) { self.warn(problem, at: key) }
    }
}
