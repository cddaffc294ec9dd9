import GatewayCore
import GatewayWire
import NIOCore

/// A configured model: everything about it that does not change between requests. Plans one request for it, from the client's own bytes, as often as asked.
final class ModelTarget: Sendable {
    let operation: ModelOperation
    let offer: ModelOffer
    let configuration: AIProxyConfiguration
    /// What clients speak.
    let format: any ClientFormat
    /// Translates for clients of another format than the provider's; nil: bytes pass.
    let translator: (any TranslatingAdapter)?
    /// What clients of the provider's format may ask beside prompts; nil: they ask prompts, or OpenAI's operations.
    let resources: ResourceTable?
    let settings: ProviderSettings
    /// Where requests fill in parts of the settings; nil: they are the same for all.
    let templates: SettingsTemplates?
    let policy: UnsupportedPolicy
    /// Where requests go whose place does not depend on them: unstreamed and streamed.
    let place: Place?
    let streamPlace: Place?
    let reportsStreamUsage: Bool
    let options: ModelOptionValues
    /// The same as members of a body in OpenAI's or Anthropic's format.
    let overrides: [(name: String, json: String)]
    /// How the gateway authenticates itself by a header, where no client may override that, and what the vendor wants in every request.
    let fields: FieldEdits

    /// An address with the target that asks for it.
    final class Place: Sendable {
        let location: ProviderLocation
        let target: ByteBuffer

        init(location: ProviderLocation, target: ByteBuffer) {
            self.location = location
            self.target = target
        }
    }

    /// - Parameter policy: what becomes of fields the provider cannot express.
    init(_ configuration: AIProxyConfiguration, services: PluginServices, policy: UnsupportedPolicy = .drop) throws(ConfigurationError) {
        let model = configuration.model
        let name = model.provider.rawValue
        guard let operation = ModelOperation(rawValue: configuration.routeType.rawValue) else {
            throw Self.problem("config.route_type", "\"\(configuration.routeType.rawValue)\" is not served yet")
        }
        guard let adapter = services.providers.adapter(name, variant: Self.imageVariant(model, operation) ?? Self.variant(model, configuration.format)) else {
            throw Self.problem("config.model.provider", "\"\(name)\" with this format is not served yet")
        }
        self.operation = operation
        self.configuration = configuration
        self.policy = policy
        self.format = ClientFormats.format(try ClientFormatSetting.format(services.ownSettings, else: configuration.format.modelFormat))
        var settings = Self.settings(model)
        self.resources = try Self.resources(from: self.format, to: adapter, operation, settings)
        self.translator = self.resources == nil ? try Self.translator(from: self.format, to: adapter, operation) : nil
        try Self.checkVideos(model, operation, self.translator)
        if model.provider == .bedrock, settings.awsRegion == nil { settings.awsRegion = services.credentials.defaultAWSRegion }
        self.settings = settings
        let templates = SettingsTemplates(settings)
        self.templates = templates
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try adapter.locate(operation, templates?.sample(settings) ?? settings) } catch { throw Self.problem("config.model.options", error.message) }
        if templates == nil, model.name != nil || !adapter.locatesEachRequest {
            self.place = Self.place(location, configuration.auth)
            var streamed = settings
            streamed.isStream = true
            self.streamPlace = adapter.locatesEachRequest ? (try? adapter.locate(operation, streamed)).map { Self.place($0, configuration.auth) } : self.place
        } else {
            self.place = nil
            self.streamPlace = nil
        }
        let options = model.options
        // Azure takes stream_options from this version on; other providers either do or do not.
        self.reportsStreamUsage = adapter.descriptor.reportsStreamUsage || (model.provider == .azure && options.azureAPIVersion >= "2024-09-01")
        self.options = Self.values(options, operation)
        self.overrides = Self.overrides(options, operation, self.format.name)
        let authorizer = try ModelCredentials.authorizer(configuration, services.credentials)
        var fields = Self.fields(
            configuration.auth, adapter, settings, self.format.name, isTranslated: self.translator != nil, isAuthorized: authorizer != nil)
        if model.provider == .huggingface {
            // https://huggingface.co/docs/api-inference/parameters#headers
            if let usesCache = options.huggingFaceUsesCache { fields.set("x-use-cache", usesCache ? "true" : "false") }
            if let waits = options.huggingFaceWaitsForModel { fields.set("x-wait-for-model", waits ? "true" : "false") }
        }
        self.fields = fields
        self.offer = ModelOffer(
            adapter: adapter, operation: operation, isModelConfigured: model.name != nil && templates?.model == nil, location: location, prices: ModelCosts.prices(options),
            logsStatistics: configuration.logging.logsStatistics, logsPayloads: configuration.logging.logsPayloads, pluginID: services.instanceID, format: self.format,
            authorizer: authorizer, catalog: services.prices,
            tierFactors: options.serviceTierFactors.isEmpty ? nil : ServiceTierFactors(options.serviceTierFactors.map { ($0.tier, $0.factor) }))
    }

    /// Where the model is served, as far as no request says otherwise.
    var endpoint: UpstreamEndpoint { self.offer.location.endpoint }

    /// The adapter that translates, or nil where client and provider speak the same.
    private static func translator(
        from format: any ClientFormat, to adapter: any ProviderAdapter, _ operation: ModelOperation
    ) throws(ConfigurationError) -> (any TranslatingAdapter)? {
        if adapter.format == format.name { return nil }
        let isMade = operation.makesImages || operation == .videoGenerations && adapter is any VideoAdapter
        guard operation.isPrompt || isMade && format.name == .openai else { throw self.problem("config.route_type", "\(operation.rawValue) is served by providers that speak OpenAI's format") }
        guard format.isTranslated else {
            throw self.problem("config.llm_format", "\"\(format.name.rawValue)\" on the provider \(adapter.descriptor.name) is not served yet; only providers that speak it are")
        }
        guard let translating = adapter as? any TranslatingAdapter, translating.translatedOperations.contains(operation) else {
            throw self.problem("config.route_type", "\(operation.rawValue) is not served yet by \(adapter.descriptor.name)")
        }
        return translating
    }

    /// Which of the provider's formats the configuration means; nil: its usual one.
    static func variant(_ model: AIProxyConfiguration.Model, _ format: AIProxyConfiguration.Format) -> String? {
        switch model.provider {
        case .llama2:
            switch model.options.llama2Format {
            case .raw: "raw"
            case .ollama: "ollama"
            case .openai, nil: nil
            }
        // Its text generation has a format of its own, its chat has OpenAI's.
        case .huggingface: format == .huggingface ? "native" : nil
        case .mistral: model.options.mistralFormat == .ollama ? "ollama" : nil
        case .ollama: self.ollamaVariant(model.options.upstreamURL)
        case .gemini: model.options.gemini.projectID == nil || model.options.gemini.locationID == nil ? nil : self.vertexVariant(model.name)
        default: nil
        }
    }

    /// Vertex AI serves models of many publishers, by different APIs: the model's name says whose it is.
    static func vertexVariant(_ model: String?) -> String {
        guard let model else { return "vertex" }
        if model.hasPrefix("claude-") || model.hasPrefix("anthropic/") { return "anthropic" }
        if model.hasPrefix("mistralai/") || model.hasPrefix("mistral-") || model.hasPrefix("codestral-") { return "mistralai" }
        if model.hasPrefix("llama-") || model.hasPrefix("meta/") { return "openapi" }
        // Google's own names have no publisher in front of them, and a template is none.
        guard let slash = model.firstIndex(of: "/"), !model.contains("$(") else { return "vertex" }
        return ["google", "models", "publishers", "projects"].contains(model[..<slash]) ? "vertex" : "openapi"
    }

    /// Ollama has an API of its own and one in OpenAI's format: the address says which.
    static func ollamaVariant(_ upstreamURL: String?) -> String? { upstreamURL?.contains("/v1/") == true ? nil : "ollama" }

    static func settings(_ model: AIProxyConfiguration.Model) -> ProviderSettings {
        var settings = ProviderSettings()
        let options = model.options
        settings.model = model.name
        settings.upstreamURL = options.upstreamURL
        settings.upstreamPath = options.upstreamPath
        settings.azureInstance = options.azureInstance
        settings.azureDeploymentID = options.azureDeploymentID
        settings.azureAPIVersion = options.azureAPIVersion
        settings.dashscopeIsInternational = options.dashscopeIsInternational
        settings.databricksWorkspaceID = options.databricksWorkspaceInstanceID
        settings.anthropicVersion = options.anthropicVersion
        settings.geminiEndpoint = options.gemini.apiEndpoint
        settings.geminiProject = options.gemini.projectID
        settings.geminiLocation = options.gemini.locationID
        settings.geminiEndpointID = options.gemini.endpointID
        settings.awsRegion = options.bedrock.region
        settings.bedrockLatency = options.bedrock.performanceConfigurationLatency
        settings.bedrockNormalizesEmbeddings = options.bedrock.normalizesEmbeddings
        settings.bedrockVideoOutput = options.bedrock.videoOutputS3URI
        settings.cohereInputType = options.cohere.embeddingInputType.rawValue
        return settings
    }

    private static func values(_ options: AIProxyConfiguration.ModelOptions, _ operation: ModelOperation) -> ModelOptionValues {
        var values = ModelOptionValues()
        guard operation == .chat || operation == .completions else { return values }
        values.maximumTokens = options.maximumTokens
        values.temperature = options.temperature
        values.topP = options.topP
        values.topK = options.topK
        return values
    }

    /// Options of the configuration, which win over the request's as in Kong (kong/llm/drivers/shared.lua, merge_config_defaults).
    static func overrides(
        _ options: AIProxyConfiguration.ModelOptions, _ operation: ModelOperation, _ format: ModelFormat = .openai
    ) -> [(name: String, json: String)] {
        guard operation.isPrompt else { return [] }
        guard operation != .embeddings else { return options.embeddingsDimensions.map { [("dimensions", "\($0)")] } ?? [] }
        guard format == .openai || format == .anthropic else { return [] }
        var members: [(name: String, json: String)] = []
        if let value = options.maximumTokens { members.append(("max_tokens", "\(value)")) }
        if let value = options.temperature { members.append(("temperature", "\(value)")) }
        if let value = options.topP { members.append(("top_p", "\(value)")) }
        if format == .anthropic, let value = options.topK { members.append(("top_k", "\(value)")) }
        return members
    }

    static func problem(_ path: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(issues: [ConfigurationIssue(path: path, line: 0, problem: problem)])
    }
}
