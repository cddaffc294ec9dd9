public import GatewayCore

/// Configuration of `ai-proxy`. Names, types, limits and defaults: Kong 3.15; rules between fields: Kong's kong/llm/schemas/init.lua.
public struct AIProxyConfiguration: GatewayConfiguration, Hashable {
    /// What the route offers.
    public let routeType: RouteType
    /// The kind of content. Default text/generation.
    public let category: Category
    /// What the client speaks. Default openai.
    public let format: Format
    /// The model and who serves it.
    public let model: Model
    /// How the gateway authenticates itself to the provider.
    public let auth: Auth
    /// What is recorded.
    public let logging: Logging
    /// Whether answers are streamed. Default allow.
    public let responseStreaming: ResponseStreaming
    /// The longest body that is looked into. Default 1 MiB; 0 is no limit of its own.
    public let maximumRequestBodyBytes: Int
    /// Whether `X-Kong-LLM-Model` tells the client the model. Default true.
    public let sendsModelNameHeader: Bool

    public init(from node: inout ConfigurationNode) {
        self.routeType = node.requiredChoice("route_type", placeholder: .chat)
        self.category = node.choice("genai_category", default: .textGeneration)
        self.format = node.choice("llm_format", default: .openai)
        self.model = node.requiredObject("model") { Model(from: &$0) }
        self.auth = node.configurationOrDefaults("auth")
        self.logging = node.configurationOrDefaults("logging")
        self.responseStreaming = node.choice("response_streaming", default: .allow)
        self.maximumRequestBodyBytes = node.int("max_request_body_size", default: 1_048_576, in: 0...Int.max)
        self.sendsModelNameHeader = node.bool("model_name_header", default: true)
        guard node.isPresent("model"), node.isPresent("route_type") else { return }
        if [.bedrock, .gemini].contains(self.model.provider), self.auth.allowsOverride {
            node.report("must be false for the provider \(self.model.provider.rawValue)", at: "auth.allow_override")
        }
        if self.model.provider == .anthropic, self.routeType == .completions, self.logging.logsStatistics {
            node.report("is not available for anthropic with route_type llm/v1/completions", at: "logging.log_statistics")
        }
    }

    public enum RouteType: String, Sendable, Hashable, CaseIterable {
        case chat = "llm/v1/chat"
        case completions = "llm/v1/completions"
        case embeddings = "llm/v1/embeddings"
        case responses = "llm/v1/responses"
        case assistants = "llm/v1/assistants"
        case files = "llm/v1/files"
        case batches = "llm/v1/batches"
        case speech = "audio/v1/audio/speech"
        case transcriptions = "audio/v1/audio/transcriptions"
        case translations = "audio/v1/audio/translations"
        case imageGenerations = "image/v1/images/generations"
        case imageEdits = "image/v1/images/edits"
        case videoGenerations = "video/v1/videos/generations"
        case realtime = "realtime/v1/realtime"
        /// The request goes through untranslated.
        case preserve
    }

    public enum Category: String, Sendable, Hashable, CaseIterable {
        case textGeneration = "text/generation"
        case textEmbeddings = "text/embeddings"
        case speech = "audio/speech"
        case transcription = "audio/transcription"
        case imageGeneration = "image/generation"
        case videoGeneration = "video/generation"
    }

    public enum Format: String, Sendable, Hashable, CaseIterable {
        case openai, anthropic, bedrock, cohere, gemini, huggingface

        public var modelFormat: ModelFormat { ModelFormat(rawValue: self.rawValue) ?? .openai }
    }

    public enum ResponseStreaming: String, Sendable, Hashable, CaseIterable {
        /// As the client asks.
        case allow
        /// Requests that ask for a stream are refused.
        case deny
        /// Always a stream.
        case always
    }

    public enum Provider: String, Sendable, Hashable, CaseIterable {
        case openai, azure, anthropic, cohere, mistral, llama2, gemini, bedrock, huggingface, cerebras, dashscope, databricks, deepseek, ollama
        case vllm, xai
        // Beyond Kong's: others that speak OpenAI's format.
        case groq, openrouter, together, fireworks, perplexity

        /// Whether the model runs somewhere only the user knows, so that its URL must be given.
        public var isSelfHosted: Bool { self == .llama2 || self == .ollama || self == .vllm }
    }

    /// `logging`.
    public struct Logging: GatewayConfiguration, Hashable {
        /// Usage and latencies in log lines. Default false.
        public let logsStatistics: Bool
        /// Prompts and answers in log lines. Default false.
        public let logsPayloads: Bool

        public init(from node: inout ConfigurationNode) {
            self.logsStatistics = node.bool("log_statistics", default: false)
            self.logsPayloads = node.bool("log_payloads", default: false)
        }
    }

    /// `model`.
    public struct Model: GatewayConfiguration, Hashable {
        public let provider: Provider
        /// The model; nil takes it from the request.
        public let name: String?
        /// The name in requests that means this model.
        public let alias: String?
        public let options: ModelOptions

        public init(from node: inout ConfigurationNode) {
            self.provider = node.requiredChoice("provider", placeholder: .openai)
            self.name = node.optionalString("name")
            self.alias = node.optionalString("model_alias")
            self.options = node.configurationOrDefaults("options")
            guard node.isPresent("provider") else { return }
            for (field, isMissing) in self.neededOptions where isMissing {
                node.report("is required for the provider \(self.provider.rawValue)", at: "options.\(field)")
            }
        }

        /// The options the provider cannot do without, and whether each is missing.
        private var neededOptions: [(field: String, isMissing: Bool)] {
            var needed: [(String, Bool)] = []
            switch self.provider {
            case .llama2: needed.append(("llama2_format", self.options.llama2Format == nil))
            case .mistral: needed.append(("mistral_format", self.options.mistralFormat == nil))
            case .anthropic: needed.append(("anthropic_version", self.options.anthropicVersion == nil))
            case .azure:
                needed.append(("azure_instance", self.options.azureInstance == nil))
                needed.append(("azure_deployment_id", self.options.azureDeploymentID == nil))
            case .databricks:
                needed.append(("databricks.workspace_instance_id", self.options.databricksWorkspaceInstanceID == nil && self.options.upstreamURL == nil))
            default: break
            }
            if self.provider.isSelfHosted { needed.append(("upstream_url", self.options.upstreamURL == nil)) }
            return needed
        }
    }
}

extension AIProxyConfiguration {
    /// `auth`: credentials for the provider. Text fields may be vault references; values are secrets.
    public struct Auth: GatewayConfiguration, Hashable {
        /// A header with a key, and its whole value (`Bearer …`).
        public let headerName: String?
        public let headerValue: String?
        /// A parameter with a key, its value, and where it goes.
        public let parameterName: String?
        public let parameterValue: String?
        public let parameterLocation: ParameterLocation?
        /// Whether a client's own credential is sent instead. Default false.
        public let allowsOverride: Bool
        public let awsAccessKeyID: String?
        public let awsSecretAccessKey: String?
        public let azureUsesManagedIdentity: Bool
        public let azureClientID: String?
        public let azureClientSecret: String?
        public let azureTenantID: String?
        public let gcpUsesServiceAccount: Bool
        public let gcpServiceAccountJSON: String?
        public let gcpMetadataURL: String?
        public let gcpOAuthTokenURL: String?

        public enum ParameterLocation: String, Sendable, Hashable, CaseIterable { case query, body }

        public init(from node: inout ConfigurationNode) {
            self.headerName = node.optionalString("header_name", referenceable: true)
            self.headerValue = node.optionalString("header_value", referenceable: true)
            self.parameterName = node.optionalString("param_name", referenceable: true)
            self.parameterValue = node.optionalString("param_value", referenceable: true)
            self.parameterLocation = node.optionalChoice("param_location")
            self.allowsOverride = node.bool("allow_override", default: false)
            self.awsAccessKeyID = node.optionalString("aws_access_key_id", referenceable: true)
            self.awsSecretAccessKey = node.optionalString("aws_secret_access_key", referenceable: true)
            self.azureUsesManagedIdentity = node.bool("azure_use_managed_identity", default: false)
            self.azureClientID = node.optionalString("azure_client_id", referenceable: true)
            self.azureClientSecret = node.optionalString("azure_client_secret", referenceable: true)
            self.azureTenantID = node.optionalString("azure_tenant_id", referenceable: true)
            self.gcpUsesServiceAccount = node.bool("gcp_use_service_account", default: false)
            self.gcpServiceAccountJSON = node.optionalString("gcp_service_account_json", referenceable: true)
            self.gcpMetadataURL = node.optionalString("gcp_metadata_url", referenceable: true)
            self.gcpOAuthTokenURL = node.optionalString("gcp_oauth_token_url", referenceable: true)
            for key in ["azure_client_id", "azure_client_secret", "azure_tenant_id"] where !self.azureUsesManagedIdentity && node.isPresent(key) {
                node.warn("has no effect without azure_use_managed_identity", at: key)
            }
            for key in ["gcp_service_account_json", "gcp_metadata_url", "gcp_oauth_token_url"] where !self.gcpUsesServiceAccount && node.isPresent(key) {
                node.warn("has no effect without gcp_use_service_account", at: key)
            }
            node.requireTogether("header_name", "header_value")
            node.requireTogether("param_name", "param_value", "param_location")
        }
    }

    /// `model.options`.
    public struct ModelOptions: GatewayConfiguration, Hashable {
        public let maximumTokens: Int?
        /// 0 to 5.
        public let temperature: Double?
        /// 0 to 1.
        public let topP: Double?
        /// 0 to 500.
        public let topK: Int?
        public let embeddingsDimensions: Int?
        /// Price of a million tokens, in the currency of the price table; more than 0.
        public let inputCost: Double?
        public let outputCost: Double?
        public let cacheReadCost: Double?
        public let cacheWriteCost: Double?
        /// Prices of cache writes by time to live.
        public let cacheWriteCosts: [CacheWriteCost]
        /// Factors above a number of input tokens.
        public let contextWindowFactors: [ContextWindowFactor]
        /// Factors of the cost by the service tier that the provider reports.
        public let serviceTierFactors: [ServiceTierFactor]
        /// The whole URL of the operation.
        public let upstreamURL: String?
        /// Deprecated by Kong: only the path.
        public let upstreamPath: String?
        public let anthropicVersion: String?
        public let azureInstance: String?
        /// Default 2023-05-15.
        public let azureAPIVersion: String
        public let azureDeploymentID: String?
        public let llama2Format: Llama2Format?
        public let mistralFormat: MistralFormat?
        public let bedrock: Bedrock
        public let cohere: Cohere
        /// Default true.
        public let dashscopeIsInternational: Bool
        public let databricksWorkspaceInstanceID: String?
        public let gemini: Gemini
        public let huggingFaceUsesCache: Bool?
        public let huggingFaceWaitsForModel: Bool?

        public enum Llama2Format: String, Sendable, Hashable, CaseIterable { case raw, openai, ollama }
        public enum MistralFormat: String, Sendable, Hashable, CaseIterable { case openai, ollama }

        public struct CacheWriteCost: Sendable, Hashable {
            /// nil: one that no provider tells apart.
            public let lifetime: CacheLifetime?
            public let cost: Double
        }

        public struct ContextWindowFactor: Sendable, Hashable {
            public let above: String
            public let inputFactor: Double
            public let outputFactor: Double
        }

        public struct ServiceTierFactor: Sendable, Hashable {
            public let tier: String
            public let factor: Double
        }

        public init(from node: inout ConfigurationNode) {
            self.maximumTokens = node.optionalInt("max_tokens")
            self.temperature = node.optionalNumber("temperature", in: 0...5)
            self.topP = node.optionalNumber("top_p", in: 0...1)
            self.topK = node.optionalInt("top_k", in: 0...500)
            self.embeddingsDimensions = node.optionalInt("embeddings_dimensions")
            self.inputCost = node.optionalNumber("input_cost", above: 0)
            self.outputCost = node.optionalNumber("output_cost", above: 0)
            self.cacheReadCost = node.optionalNumber("cache_read_cost", above: 0)
            self.cacheWriteCost = node.optionalNumber("cache_write_cost", above: 0)
            self.cacheWriteCosts = node.objects("cache_write_cost_list") { cost in
                let lifetime = cost.requiredString("ttl", .nonEmpty)
                if !lifetime.isEmpty, CacheLifetime(rawValue: lifetime) == nil { cost.warn("is no time that providers tell apart, and has no effect", at: "ttl", hint: "write 5m or 1h") }
                return CacheWriteCost(lifetime: CacheLifetime(rawValue: lifetime), cost: cost.requiredNumber("cost"))
            }
            self.contextWindowFactors = node.objects("context_window_factor") { factor in
                let above = factor.requiredString("above", .nonEmpty)
                if !above.isEmpty, ModelCosts.tokens(above) == nil { factor.warn("is no number of tokens, and has no effect", at: "above", hint: "write it as 200000 or 200k") }
                return ContextWindowFactor(
                    above: above, inputFactor: factor.requiredNumber("input_factor"), outputFactor: factor.requiredNumber("output_factor"))
            }
            self.serviceTierFactors = node.objects("service_tier_factor") { factor in
                ServiceTierFactor(tier: factor.requiredString("tier", .nonEmpty), factor: factor.requiredNumber("factor"))
            }
            self.upstreamURL = node.optionalString("upstream_url", .url)
            self.upstreamPath = node.optionalString("upstream_path")
            if self.upstreamPath != nil { node.warn("is deprecated by Kong", at: "upstream_path", hint: "use upstream_url") }
            self.anthropicVersion = node.optionalString("anthropic_version")
            self.azureInstance = node.optionalString("azure_instance")
            self.azureAPIVersion = node.string("azure_api_version", default: "2023-05-15")
            self.azureDeploymentID = node.optionalString("azure_deployment_id")
            self.llama2Format = node.optionalChoice("llama2_format")
            self.mistralFormat = node.optionalChoice("mistral_format")
            self.bedrock = node.configurationOrDefaults("bedrock")
            self.cohere = node.configurationOrDefaults("cohere")
            self.dashscopeIsInternational = node.objectOrDefaults("dashscope") { $0.bool("international", default: true) }
            self.databricksWorkspaceInstanceID = node.object("databricks") { $0.optionalString("workspace_instance_id") } ?? nil
            self.gemini = node.configurationOrDefaults("gemini")
            let huggingFace = node.object("huggingface") { ($0.optionalBool("use_cache"), $0.optionalBool("wait_for_model")) }
            self.huggingFaceUsesCache = huggingFace?.0
            self.huggingFaceWaitsForModel = huggingFace?.1
        }
    }

    /// `model.options.bedrock`.
    public struct Bedrock: GatewayConfiguration, Hashable {
        public let region: String?
        public let assumedRoleARN: String?
        public let roleSessionName: String?
        public let stsEndpointURL: String?
        public let batchBucketPrefix: String?
        public let batchRoleARN: String?
        /// Default false.
        public let normalizesEmbeddings: Bool
        public let performanceConfigurationLatency: String?
        public let videoOutputS3URI: String?

        public init(from node: inout ConfigurationNode) {
            self.region = node.optionalString("aws_region")
            self.assumedRoleARN = node.optionalString("aws_assume_role_arn")
            self.roleSessionName = node.optionalString("aws_role_session_name")
            self.stsEndpointURL = node.optionalString("aws_sts_endpoint_url")
            self.batchBucketPrefix = node.optionalString("batch_bucket_prefix")
            self.batchRoleARN = node.optionalString("batch_role_arn")
            for key in ["batch_bucket_prefix", "batch_role_arn"] where node.isPresent(key) {
                node.warn("has no effect: batches pass in Bedrock's own format, whose requests name bucket and role themselves", at: key)
            }
            self.normalizesEmbeddings = node.bool("embeddings_normalize", default: false)
            self.performanceConfigurationLatency = node.optionalString("performance_config_latency")
            self.videoOutputS3URI = node.optionalString("video_output_s3_uri")
        }
    }

    /// `model.options.cohere`.
    public struct Cohere: GatewayConfiguration, Hashable {
        /// Default classification.
        public let embeddingInputType: EmbeddingInputType
        public let waitsForModel: Bool?

        public enum EmbeddingInputType: String, Sendable, Hashable, CaseIterable {
            case classification, clustering, image
            case searchDocument = "search_document"
            case searchQuery = "search_query"
        }

        public init(from node: inout ConfigurationNode) {
            self.embeddingInputType = node.choice("embedding_input_type", default: .classification)
            self.waitsForModel = node.optionalBool("wait_for_model")
            // Cohere's API has nothing of the kind.
            node.warnWithoutEffect("wait_for_model")
        }
    }

    /// `model.options.gemini`: Vertex needs endpoint, project and location together.
    public struct Gemini: GatewayConfiguration, Hashable {
        public let apiEndpoint: String?
        public let endpointID: String?
        public let locationID: String?
        public let projectID: String?

        public init(from node: inout ConfigurationNode) {
            self.apiEndpoint = node.optionalString("api_endpoint")
            self.endpointID = node.optionalString("endpoint_id")
            self.locationID = node.optionalString("location_id")
            self.projectID = node.optionalString("project_id")
            node.requireTogether("api_endpoint", "project_id", "location_id")
        }
    }
}
