import GatewayCore
import GatewayWire
import NIOCore

/// A configured model: everything about it that does not change between requests.
final class ModelTarget: Sendable {
    let operation: ModelOperation
    private let offer: ModelOffer
    private let configuration: AIProxyConfiguration
    private let location: ProviderLocation
    /// Path and query where no request changes them.
    private let target: ByteBuffer
    private let reportsStreamUsage: Bool
    private let overrides: [(name: String, json: String)]
    /// How the gateway authenticates itself by a header, where no client may override that.
    private let credentials: FieldEdits

    init(_ configuration: AIProxyConfiguration, providers: ProviderDirectory, pluginID: String) throws(ConfigurationError) {
        let model = configuration.model
        let name = model.provider.rawValue
        guard configuration.format == .openai else {
            throw Self.problem("config.llm_format", "\"\(configuration.format.rawValue)\" is not served yet; only openai is")
        }
        guard let operation = ModelOperation(rawValue: configuration.routeType.rawValue) else {
            throw Self.problem("config.route_type", "\"\(configuration.routeType.rawValue)\" is not served yet; llm/v1/chat, llm/v1/completions and llm/v1/embeddings are")
        }
        guard let adapter = providers.adapter(name), adapter.format == .openai, Self.speaksOpenAI(model) else {
            throw Self.problem("config.model.provider", "\"\(name)\" with this format is not served yet; providers that speak OpenAI's format are")
        }
        if configuration.auth.azureUsesManagedIdentity || configuration.auth.azureClientSecret != nil {
            throw Self.problem("config.auth", "Azure identities are not served yet; send an api-key header")
        }
        self.operation = operation
        self.configuration = configuration
        do throws(ProviderFailure) { self.location = try adapter.locate(operation, Self.settings(model)) } catch {
            throw Self.problem("config.model.options", error.message)
        }
        var query = self.location.query.map { ByteBuffer(string: $0) }
        if configuration.auth.parameterLocation == .query, !configuration.auth.allowsOverride, let key = configuration.auth.parameterName, let value = configuration.auth.parameterValue {
            query = FormFields(query ?? ByteBuffer()).setting(key, value)
        }
        self.target = Self.join(self.location.path, query)
        let options = model.options
        let prices = options.inputCost != nil || options.outputCost != nil
            ? ModelPrices(inputPerMillion: options.inputCost ?? 0, outputPerMillion: options.outputCost ?? 0) : nil
        // Azure takes stream_options from this version on; other providers either do or do not.
        self.reportsStreamUsage = adapter.descriptor.reportsStreamUsage || (model.provider == .azure && options.azureAPIVersion >= "2024-09-01")
        self.overrides = Self.overrides(options, operation)
        self.credentials = configuration.auth.allowsOverride ? FieldEdits() : Self.credentials(configuration.auth)
        self.offer = ModelOffer(
            adapter: adapter, operation: operation, isModelConfigured: model.name != nil, location: self.location, prices: prices,
            logsStatistics: configuration.logging.logsStatistics, logsPayloads: configuration.logging.logsPayloads, pluginID: pluginID)
    }

    private static func speaksOpenAI(_ model: AIProxyConfiguration.Model) -> Bool {
        switch model.provider {
        case .llama2: model.options.llama2Format == .openai
        case .mistral: model.options.mistralFormat == .openai
        default: true
        }
    }

    static func settings(_ model: AIProxyConfiguration.Model) -> ProviderSettings {
        var settings = ProviderSettings()
        settings.model = model.name
        settings.upstreamURL = model.options.upstreamURL
        settings.upstreamPath = model.options.upstreamPath
        settings.azureInstance = model.options.azureInstance
        settings.azureDeploymentID = model.options.azureDeploymentID
        settings.azureAPIVersion = model.options.azureAPIVersion
        settings.dashscopeIsInternational = model.options.dashscopeIsInternational
        settings.databricksWorkspaceID = model.options.databricksWorkspaceInstanceID
        return settings
    }

    /// Options of the configuration, which win over the request's as in Kong (kong/llm/drivers/shared.lua, merge_config_defaults).
    private static func overrides(_ options: AIProxyConfiguration.ModelOptions, _ operation: ModelOperation) -> [(name: String, json: String)] {
        guard operation != .embeddings else { return options.embeddingsDimensions.map { [("dimensions", "\($0)")] } ?? [] }
        var members: [(name: String, json: String)] = []
        if let value = options.maximumTokens { members.append(("max_tokens", "\(value)")) }
        if let value = options.temperature { members.append(("temperature", "\(value)")) }
        if let value = options.topP { members.append(("top_p", "\(value)")) }
        return members
    }

    private static func problem(_ path: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(issues: [ConfigurationIssue(path: path, line: 0, problem: problem)])
    }

    private static func join(_ path: String, _ query: ByteBuffer?) -> ByteBuffer {
        var target = ByteBuffer(string: path)
        if let query, query.readableBytes > 0 {
            target.writeStaticString("?")
            target.writeImmutableBuffer(query)
        }
        return target
    }

    private static func credentials(_ auth: AIProxyConfiguration.Auth) -> FieldEdits {
        var edits = FieldEdits()
        if let name = auth.headerName, let value = auth.headerValue { edits.set(name, value) }
        return edits
    }

    // MARK: One request

    func plan(_ body: ModelRequestBody, _ request: borrowing GatewayRequest) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        try self.checkPrompt(body)
        let model = try self.model(of: body)
        let isStream = try self.streams(body)
        var edits = ModelRequestEdits()
        edits.model = model
        edits.members = self.overrides
        if self.operation != .embeddings {
            // OpenAI's API has no top_k; Kong removes it too.
            if body.hasTopK { edits.removed.append("top_k") }
            if self.configuration.responseStreaming == .always { edits.stream = true }
            edits.includesUsage = isStream && self.reportsStreamUsage && !body.asksForUsage
        }
        var fields = self.credentials
        var target = self.target
        self.authenticate(body, request, &edits, &fields, &target)
        let encoded: ByteBuffer
        do throws(ProviderFailure) { encoded = try self.offer.adapter.encode(body, edits) } catch { throw RefusedRequest(error.status, error.code, error.message, parameter: error.parameter) }
        let plan = ModelPlan(
            offer: self.offer, model: model, target: target, fields: fields, isStream: isStream, hidesUsage: edits.includesUsage, parameters: body.parameters)
        return (plan, encoded)
    }

    private func checkPrompt(_ body: ModelRequestBody) throws(RefusedRequest) {
        guard let prompt = body.prompt, !prompt.isNull else {
            let member = "\(self.operation.promptMember)"
            throw RefusedRequest(400, "missing_prompt", "the request body has no \"\(member)\": it is no \(self.operation.rawValue) request", parameter: member)
        }
        if self.operation == .chat {
            guard prompt.kind == .array, !prompt.isEmptyContainer else {
                throw RefusedRequest(400, "invalid_prompt", "\"messages\" must be a list of at least one message", parameter: "messages")
            }
        }
    }

    /// The configured model wins; a client may only name that one, or its alias.
    private func model(of body: ModelRequestBody) throws(RefusedRequest) -> String {
        let wanted = body.model
        guard let configured = self.configuration.model.name else {
            guard let wanted, !wanted.isEmpty else {
                throw RefusedRequest(400, "missing_model", "model parameter not found in request, nor in gateway configuration", parameter: "model")
            }
            return wanted
        }
        if let wanted, !wanted.isEmpty, wanted != configured, wanted != self.configuration.model.alias {
            throw RefusedRequest(400, "model_not_allowed", "cannot use own model - must be: \(configured)", parameter: "model")
        }
        return configured
    }

    private func streams(_ body: ModelRequestBody) throws(RefusedRequest) -> Bool {
        guard self.operation != .embeddings else { return false }
        let asks = body.stream ?? false
        switch self.configuration.responseStreaming {
        case .allow: return asks
        case .always: return true
        case .deny:
            if asks { throw RefusedRequest(400, "streaming_denied", "response streaming is not enabled for this LLM", parameter: "stream") }
            return false
        }
    }

    private func authenticate(
        _ body: ModelRequestBody, _ request: borrowing GatewayRequest, _ edits: inout ModelRequestEdits, _ fields: inout FieldEdits, _ target: inout ByteBuffer
    ) {
        let auth = self.configuration.auth
        if auth.allowsOverride, let name = auth.headerName, !request.fields.contains(name: name) { fields = Self.credentials(auth) }
        guard let name = auth.parameterName, let value = auth.parameterValue else { return }
        switch auth.parameterLocation {
        case .body:
            if !auth.allowsOverride || body.document.root[name] == nil { edits.members.append((name, ModelTarget.quoted(value))) }
        case .query where auth.allowsOverride:
            let own = request.query.map { FormFields($0).values(name) }?.first.map { String(buffer: $0) }
            let query = FormFields(self.location.query.map { ByteBuffer(string: $0) } ?? ByteBuffer()).setting(name, own ?? value)
            target = ModelTarget.join(self.location.path, query)
        case .query, nil: break
        }
    }

    private static func quoted(_ text: String) -> String {
        var writer = JSONWriter()
        writer.string(text)
        return String(buffer: writer.buffer)
    }
}
