public import GatewayCore

/// `embeddings`: the model that turns texts into vectors. Names, types and defaults: Kong 3.15.
public struct EmbeddingsConfiguration: GatewayConfiguration, Hashable {
    public let auth: AIProxyConfiguration.Auth
    public let model: Model

    public init(from node: inout ConfigurationNode) {
        self.auth = node.configurationOrDefaults("auth")
        self.model = node.requiredObject("model") { Model(from: &$0) }
    }

    /// `embeddings.model`.
    public struct Model: GatewayConfiguration, Hashable {
        public let provider: Provider
        public let name: String
        public let upstreamURL: String?
        public let azure: Azure
        public let bedrock: AIProxyConfiguration.Bedrock
        public let gemini: Gemini
        public let huggingFaceUsesCache: Bool?
        public let huggingFaceWaitsForModel: Bool?

        public enum Provider: String, Sendable, Hashable, CaseIterable { case openai, mistral, huggingface, azure, gemini, bedrock, ollama }

        public struct Azure: Sendable, Hashable {
            public let apiVersion: String
            public let deploymentID: String?
            public let instance: String?
        }

        public struct Gemini: Sendable, Hashable {
            public let apiEndpoint: String?
            public let locationID: String?
            public let projectID: String?
        }

        private struct Options {
            let upstreamURL: String?
            let azure: Azure
            let bedrock: AIProxyConfiguration.Bedrock
            let gemini: Gemini
            let cache: Bool?
            let wait: Bool?
        }

        public init(from node: inout ConfigurationNode) {
            self.provider = node.requiredChoice("provider", placeholder: .openai)
            self.name = node.requiredString("name")
            let options = node.objectOrDefaults("options") { options in
                let azure = options.objectOrDefaults("azure") {
                    Azure(
                        apiVersion: $0.string("api_version", default: "2023-05-15"), deploymentID: $0.optionalString("deployment_id"), instance: $0.optionalString("instance"))
                }
                let gemini = options.objectOrDefaults("gemini") {
                    Gemini(apiEndpoint: $0.optionalString("api_endpoint"), locationID: $0.optionalString("location_id"), projectID: $0.optionalString("project_id"))
                }
                let huggingFace = options.object("huggingface") { ($0.optionalBool("use_cache"), $0.optionalBool("wait_for_model")) }
                options.warnWithoutEffect("huggingface")
                return Options(
                    upstreamURL: options.optionalString("upstream_url", .url), azure: azure, bedrock: options.configurationOrDefaults("bedrock"), gemini: gemini,
                    cache: huggingFace?.0, wait: huggingFace?.1)
            }
            self.upstreamURL = options.upstreamURL
            self.azure = options.azure
            self.bedrock = options.bedrock
            self.gemini = options.gemini
            self.huggingFaceUsesCache = options.cache
            self.huggingFaceWaitsForModel = options.wait
        }
    }
}
