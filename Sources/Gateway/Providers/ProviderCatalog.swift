public import GatewayCore
import GatewayWire

/// Every provider this build serves: one line each. Addresses are those of Kong's provider pages and the vendors' API references.
public enum ProviderCatalog {
    public static let directory = ProviderDirectory(ProviderCatalog.adapters)

    static let adapters: [any ProviderAdapter] = [
        AnthropicProvider(),
        BedrockProvider(),
        CohereProvider(),
        GeminiProvider.api,
        GeminiProvider.vertex,
        VertexAnthropicProvider(),
        // https://cloud.google.com/vertex-ai/generative-ai/docs/maas/call-open-model-apis; a model that is deployed to an endpoint of its own has the same API there.
        OpenAICompatibleProvider(
            ProviderDescriptor(name: "gemini", telemetryName: "gcp.vertex_ai", keyVariable: "", reportsStreamUsage: true, variant: "openapi"), base: vertexBase,
            path: { operation, settings in "/endpoints/\(settings.geminiEndpointID ?? "openapi")\(operation.path)" }, modelName: { $0.hasPrefix("llama-") ? "meta/\($0)" : $0 }),
        // https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/mistral: Mistral's own API, below the path of the model.
        OpenAICompatibleProvider(
            ProviderDescriptor(name: "gemini", telemetryName: "gcp.vertex_ai", keyVariable: "", reportsStreamUsage: false, variant: "mistralai"), base: vertexBase,
            path: { _, settings in
                "/publishers/mistralai/models/\(VertexAddress.name(settings.model ?? "model", publisher: "mistralai")):\(settings.isStream ? "streamRawPredict" : "rawPredict")"
            }, modelName: { VertexAddress.name($0, publisher: "mistralai") }, locatesEachRequest: true),
        // https://platform.openai.com/docs/api-reference
        hosted("openai", "openai", key: "OPENAI_API_KEY", usage: true, base: "https://api.openai.com", OpenAIDialect(takesCompletionLimit: true)),
        // https://learn.microsoft.com/azure/ai-foundry/openai/reference
        OpenAICompatibleProvider(
            ProviderDescriptor(name: "azure", telemetryName: "azure.ai.openai", keyVariable: "", reportsStreamUsage: false),
            base: { (settings) throws(ProviderFailure) in
                guard let instance = settings.azureInstance, let deployment = settings.azureDeploymentID else {
                    throw ProviderFailure("azure_settings_missing", status: 500, message: "azure_instance and azure_deployment_id are required")
                }
                guard !deployment.isEmpty else { return nil }
                return "https://\(instance).openai.azure.com/openai"
            }, path: azurePath, query: { "api-version=\($0.azureAPIVersion)" }, realtimeQuery: { $0.azureDeploymentID.map { "deployment=\(PercentEncoding.encoded($0))" } },
            dialect: OpenAIDialect(takesCompletionLimit: true)),
        // https://docs.mistral.ai/api: a stream always ends with the usage; stream_options is refused.
        hosted("mistral", "mistral_ai", key: "MISTRAL_API_KEY", usage: false, base: "https://api.mistral.ai"),
        // https://docs.x.ai/docs/api-reference
        hosted("xai", "x_ai", key: "XAI_API_KEY", usage: true, base: "https://api.x.ai"),
        // https://api-docs.deepseek.com
        hosted("deepseek", "deepseek", key: "DEEPSEEK_API_KEY", usage: true, base: "https://api.deepseek.com"),
        // https://inference-docs.cerebras.ai/api-reference: the last chunk always carries the usage.
        hosted("cerebras", "cerebras", key: "CEREBRAS_API_KEY", usage: false, base: "https://api.cerebras.ai"),
        // https://huggingface.co/docs/inference-providers: the OpenAI route of the router.
        hosted("huggingface", "huggingface", key: "HF_TOKEN", usage: true, base: "https://router.huggingface.co"),
        // https://help.aliyun.com/zh/model-studio/compatibility-of-openai-with-dashscope
        OpenAICompatibleProvider(
            ProviderDescriptor(name: "dashscope", telemetryName: "dashscope", keyVariable: "DASHSCOPE_API_KEY", reportsStreamUsage: true),
            base: { "https://\($0.dashscopeIsInternational ? "dashscope-intl" : "dashscope").aliyuncs.com/compatible-mode" }),
        // Its images have an API of their own.
        DashScopeImageProvider(),
        // https://docs.databricks.com/aws/en/machine-learning/model-serving/
        OpenAICompatibleProvider(
            ProviderDescriptor(name: "databricks", telemetryName: "databricks", keyVariable: "", reportsStreamUsage: false),
            base: { settings in settings.databricksWorkspaceID.map { "https://\($0).cloud.databricks.com/serving-endpoints" } }),
        // https://console.groq.com/docs/openai
        hosted("groq", "groq", key: "GROQ_API_KEY", usage: true, base: "https://api.groq.com/openai"),
        // https://openrouter.ai/docs/api-reference/overview and …/features/prompt-caching
        hosted("openrouter", "openrouter", key: "OPENROUTER_API_KEY", usage: true, base: "https://openrouter.ai/api", OpenAIDialect(takesTopK: true, marksCache: true)),
        // https://docs.together.ai/docs/openai-api-compatibility
        hosted("together", "together", key: "TOGETHER_API_KEY", usage: true, base: "https://api.together.xyz", OpenAIDialect(takesTopK: true)),
        // https://docs.fireworks.ai/tools-sdks/openai-compatibility
        hosted("fireworks", "fireworks", key: "FIREWORKS_API_KEY", usage: true, base: "https://api.fireworks.ai/inference", OpenAIDialect(takesTopK: true)),
        // https://docs.perplexity.ai/guides/chat-completions-guide: every chunk carries the usage.
        OpenAICompatibleProvider(
            ProviderDescriptor(name: "perplexity", telemetryName: "perplexity", keyVariable: "PERPLEXITY_API_KEY", reportsStreamUsage: false),
            base: { _ in "https://api.perplexity.ai" }, path: shortPath, dialect: OpenAIDialect(takesTopK: true)),
        // https://github.com/ollama/ollama/blob/main/docs/openai.md
        selfHosted("ollama", key: "OLLAMA_API_KEY", usage: true),
        // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
        selfHosted("vllm", key: "VLLM_API_KEY", usage: true),
        // Llama behind any server with OpenAI's format (llama2_format: openai).
        selfHosted("llama2", key: "LLAMA2_API_KEY", usage: false),
        // The same models behind other servers: `llama2_format`, `mistral_format`, and Ollama by its own API.
        TextGenerationProvider(), LlamaRawProvider(), OllamaProvider("llama2"), OllamaProvider("mistral"), OllamaProvider("ollama"),
    ]

    /// What other publishers' models lie below on Vertex AI.
    private static let vertexBase: @Sendable (ProviderSettings) throws(ProviderFailure) -> String? = { (settings) throws(ProviderFailure) in
        if let model = settings.model { try VertexAddress.check(model) }
        let address = try VertexAddress.required(settings)
        return address.endpoint.origin + address.path
    }

    private static let shortPath: @Sendable (ModelOperation, ProviderSettings) -> String = { operation, _ in "\(operation.path)" }

    /// What belongs to a deployment lies below it, the rest beside it.
    private static let azurePath: @Sendable (ModelOperation, ProviderSettings) -> String = { operation, settings in
        switch operation {
        case .responses, .assistants, .files, .batches, .realtime: "\(operation.path)"
        default: "/deployments/\(settings.azureDeploymentID ?? "")\(operation.path)"
        }
    }

    private static func hosted(_ name: StaticString, _ telemetryName: StaticString, key: StaticString, usage: Bool, base: String, _ dialect: OpenAIDialect = OpenAIDialect()) -> any ProviderAdapter {
        OpenAICompatibleProvider(
            ProviderDescriptor(name: name, telemetryName: telemetryName, keyVariable: key, reportsStreamUsage: usage), base: { _ in base }, dialect: dialect)
    }

    private static func selfHosted(_ name: StaticString, key: StaticString, usage: Bool) -> any ProviderAdapter {
        OpenAICompatibleProvider(
            ProviderDescriptor(name: name, telemetryName: name, keyVariable: key, reportsStreamUsage: usage, isSelfHosted: true), base: { _ in nil },
            dialect: OpenAIDialect(takesTopK: true))
    }
}
