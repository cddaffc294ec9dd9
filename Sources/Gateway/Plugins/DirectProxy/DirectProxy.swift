public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `pellucid-direct`: serves every provider whose key the environment holds under one OpenAI-style API, models named `provider/model`.
public final class DirectProxy: RequestPlugin {
    public static let descriptor = PluginDescriptor(name: "pellucid-direct", priority: 770, auditPath: "ai.proxy")

    /// What the operation is stands in its attempt's span.
    public typealias Field = NoEvidence

    private struct Target: Sendable {
        let offer: ModelOffer
        let settings: ProviderSettings
        let fields: FieldEdits
        /// For clients of another format than the provider's; nil: bytes pass.
        let translator: (any TranslatingAdapter)?
    }

    private let configuration: DirectProxyConfiguration
    private let operation: ModelOperation?
    private let targets: [String: Target]
    private let providers: ProviderDirectory
    private let modelList: ModelList
    private let clientKey: SecretDigest?
    private let hash: @Sendable (UnsafeRawBufferPointer) -> SecretDigest
    /// Largest request body; the same as ai-proxy's default times eight, since nobody configured less.
    private static let bodyLimit = 8 << 20

    public init(configuration: DirectProxyConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.operation = ModelOperation(rawValue: configuration.routeType.rawValue)
        self.providers = services.providers
        self.modelList = ModelList(http: services.http)
        let hash = services.consumers.hash
        self.hash = hash
        self.clientKey = configuration.clientKey.map { key in
            var expected = "Bearer \(key)"
            return expected.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
        }
        var targets: [String: Target] = [:]
        var issues: [ConfigurationIssue] = []
        for provider in configuration.providers {
            guard let adapter = services.providers.adapter(provider.name) else {
                issues.append(ConfigurationIssue(path: "config.providers", line: 0, problem: "\"\(provider.name)\" is not a provider"))
                continue
            }
            guard let operation else { continue }
            do throws(ProviderFailure) {
                if let target = try Self.target(provider, adapter, operation, configuration.format.modelFormat, services.instanceID) { targets[provider.name] = target }
            } catch {
                issues.append(ConfigurationIssue(path: "config.providers", line: 0, problem: "\(provider.name): \(error.message)"))
            }
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
        self.targets = targets
    }

    /// - Returns: nil when the provider does not serve the operation.
    private static func target(
        _ provider: DirectProxyConfiguration.Provider, _ adapter: any ProviderAdapter, _ operation: ModelOperation, _ format: ModelFormat, _ pluginID: String
    ) throws(ProviderFailure) -> Target? {
        var translator: (any TranslatingAdapter)?
        if adapter.format != format {
            guard let translating = adapter as? any TranslatingAdapter, translating.translatedOperations.contains(operation) else { return nil }
            translator = translating
        }
        let settings = Self.settings(provider, adapter, operation)
        let location = try adapter.locate(operation, settings)
        var fields = FieldEdits()
        for name in ["authorization", "x-api-key", "api-key", "x-goog-api-key"] { fields.remove(name) }
        for (name, value) in adapter.fields(settings) { fields.set(name, value) }
        if let key = provider.key { fields.set("\(adapter.descriptor.keyField)", "\(adapter.descriptor.keyPrefix)\(key)") }
        let offer = ModelOffer(
            adapter: adapter, operation: operation, isModelConfigured: false, location: location, prices: nil, logsStatistics: true, logsPayloads: false, pluginID: pluginID,
            format: ClientFormats.format(format))
        return Target(offer: offer, settings: settings, fields: fields, translator: translator)
    }

    /// The settings with another base URL, written as the vendors' SDKs have it: with `/v1` for OpenAI's format, without for the others.
    private static func settings(_ provider: DirectProxyConfiguration.Provider, _ adapter: any ProviderAdapter, _ operation: ModelOperation) -> ProviderSettings {
        var settings = ProviderSettings()
        guard var base = provider.baseURL else { return settings }
        if base.hasSuffix("/") { base.removeLast() }
        switch (adapter.format, operation) {
        case (.gemini, _): settings.upstreamURL = base
        case (.anthropic, _): settings.upstreamURL = "\(base)/v1/messages"
        default: settings.upstreamURL = base + "\(operation.path)"
        }
        return settings
    }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<DirectProxy>) async throws(PluginFailure) -> RequestVerdict {
        if let refusal = self.checkKey(request) { return .reject(refusal) }
        guard let operation else { return .respond(try await self.listModels(&context)) }
        let bytes: ByteBuffer
        do throws(DownstreamFailure) { bytes = try await request.collectBody(limit: Self.bodyLimit) } catch {
            return .reject(RefusedRequest(413, "request_too_large", "the request body is larger than \(Self.bodyLimit) bytes").rejection)
        }
        let body: ModelRequestBody
        do throws(JSONError) { body = try ModelRequestBody(bytes, operation: operation, format: self.configuration.format.modelFormat) } catch {
            return .reject(RefusedRequest(400, error.code.name, "the request body is not valid JSON: \(error.code.name) at byte \(error.offset)").rejection)
        }
        do throws(RefusedRequest) {
            let (target, model) = try self.target(body, operation)
            if target.translator != nil, target.offer.format.countCall(body, request) != nil, let count = target.offer.format.tokenCountAnswer(to: body) { return .respond(count) }
            let plan: ModelPlan
            let encoded: ByteBuffer
            do throws(ProviderFailure) { (plan, encoded) = try self.plan(ClientRequest(body: body, path: ByteBuffer(request.head.target.path)), target, model, operation) } catch {
                throw RefusedRequest(error)
            }
            request.body = .model(body)
            request.upstream = .model(plan, body: encoded)
            request.responseFields += plan.servedFields
            return .modified
        } catch { return .reject(error.shaped(for: self.configuration.format.modelFormat).rejection) }
    }

    private func checkKey(_ request: borrowing GatewayRequest) -> Rejection? {
        guard let clientKey = self.clientKey else { return nil }
        var sent = request.fields.first(.authorization)?.withUnsafeBytes { self.hash($0) }
        // Anthropic's clients send a key by itself.
        if sent == nil, let key = request.fields.firstString(name: "x-api-key") {
            var bearer = "Bearer \(key)"
            sent = bearer.withUTF8 { self.hash(UnsafeRawBufferPointer($0)) }
        }
        return sent == clientKey ? nil : Rejection(status: 401, code: "invalid_api_key", message: "the API key is missing or wrong", shape: .openAI(type: "authentication_error", parameter: nil))
    }

    /// Whom a request is for, by the name of its model.
    private func target(_ body: ModelRequestBody, _ operation: ModelOperation) throws(RefusedRequest) -> (target: Target, model: String) {
        let member = "\(operation.promptMember(body.format))"
        guard body.isObject, let prompt = body.prompt, !prompt.isNull else {
            throw RefusedRequest(400, "missing_prompt", "the request body has no \"\(member)\"", parameter: member)
        }
        guard let name = body.model, let slash = name.firstIndex(of: "/") else {
            throw RefusedRequest(400, "invalid_model", "name the model as provider/model; providers: \(self.providerNames)", parameter: "model")
        }
        let model = String(name[name.index(after: slash)...])
        guard let target = self.targets[String(name[..<slash])], !model.isEmpty else {
            throw RefusedRequest(404, "unknown_provider", "no provider \"\(name[..<slash])\" is configured; providers: \(self.providerNames)", parameter: "model")
        }
        return (target, model)
    }

    private func plan(
        _ client: ClientRequest, _ target: Target, _ model: String, _ operation: ModelOperation
    ) throws(ProviderFailure) -> (plan: ModelPlan, body: ByteBuffer) {
        let call = try target.offer.format.call(client)
        let isStream = operation != .embeddings && call.kind == .generate && (call.asksStream ?? false)
        var location = target.offer.location
        if target.offer.adapter.locatesEachRequest || call.kind == .countTokens {
            var settings = target.settings
            settings.model = model
            settings.isStream = isStream
            settings.countsTokens = call.kind == .countTokens
            location = try target.offer.adapter.locate(operation, settings)
        }
        let path = ByteBuffer(string: location.path + (location.query.map { "?\($0)" } ?? ""))
        if let translator = target.translator {
            let translated = try RequestTranslation.translate(client, call, operation, format: target.offer.format, adapter: translator, model: model, isStream: isStream, settings: target.settings)
            let plan = ModelPlan(
                offer: target.offer, model: model, target: path, fields: target.fields, isStream: isStream, hidesUsage: false, parameters: translated.parameters,
                translation: translated.translation, location: location, usesTokens: true)
            return (plan, translated.body)
        }
        var edits = ModelRequestEdits()
        edits.model = model
        edits.includesUsage = isStream && target.offer.adapter.descriptor.reportsStreamUsage && !client.body.asksForUsage
        let encoded = try target.offer.adapter.encode(client.body, edits)
        let plan = ModelPlan(
            offer: target.offer, model: model, target: path, fields: target.fields, isStream: isStream, hidesUsage: edits.includesUsage, parameters: client.body.parameters,
            location: location, usesTokens: call.usesTokens)
        return (plan, encoded)
    }

    private var providerNames: String { self.configuration.providers.map(\.name).joined(separator: ", ") }

    // MARK: Models

    private func listModels(_ context: inout StageContext<DirectProxy>) async throws(PluginFailure) -> GatewayResponse {
        var writer = JSONWriter(capacity: 4096)
        writer.beginObject()
        writer.key("object")
        writer.string("list" as StaticString)
        writer.key("data")
        writer.beginArray()
        for provider in self.configuration.providers {
            guard let adapter = self.providers.adapter(provider.name) else { continue }
            let ids = try await context.call(self.modelList, ModelList.Query(provider: provider, adapter: adapter))
            for id in ids {
                writer.beginObject()
                writer.key("id")
                writer.string("\(provider.name)/\(id)")
                writer.key("object")
                writer.string("model" as StaticString)
                writer.key("created")
                writer.number(0)
                writer.key("owned_by")
                writer.string(provider.name)
                writer.endObject()
            }
        }
        writer.endArray()
        writer.endObject()
        var fields = HTTPFields()
        fields.append(.contentType, literal: "application/json")
        return GatewayResponse(status: 200, fields: fields, body: writer.buffer)
    }
}

/// Asks one provider for its models.
private struct ModelList: OutsideService {
    struct Query: Sendable {
        let provider: DirectProxyConfiguration.Provider
        let adapter: any ProviderAdapter
    }

    static let callName: StaticString = "list_models"
    let http: HTTPService

    func ask(_ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> [String] {
        let descriptor = query.adapter.descriptor
        let keys = query.provider.key.map { [(name: "\(descriptor.keyField)", value: "\(descriptor.keyPrefix)\($0)")] } ?? []
        let call = HTTPCall(method: "GET", url: try ModelList.url(query), headers: keys + query.adapter.fields(ProviderSettings()))
        let answer: HTTPAnswer
        // A provider that does not answer has no models to offer; what became of the call stands in its span.
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { return [] }
        guard answer.status == 200, let document = try? JSONDocument(answer.body) else { return [] }
        if let models = document["models"] {
            // Gemini: `models/gemini-…`.
            return models.elements.compactMap { $0["name"]?.string }.map { $0.hasPrefix("models/") ? String($0.dropFirst(7)) : $0 }
        }
        return document["data"]?.elements.compactMap { $0["id"]?.string } ?? []
    }

    private static func url(_ query: Query) throws(PluginFailure) -> String {
        let path = query.adapter.format == .gemini ? "/v1beta/models" : "/v1/models"
        if var base = query.provider.baseURL {
            if base.hasSuffix("/") { base.removeLast() }
            return query.adapter.format == .openai ? "\(base)/models" : base + path
        }
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try query.adapter.locate(.chat, ProviderSettings()) } catch { throw PluginFailure(error.code, message: error.message) }
        let scheme = location.endpoint.isTLS ? "https" : "http"
        return "\(scheme)://\(location.endpoint.authority)" + (query.adapter.format == .openai ? ModelList.modelsPath(location.path) : path)
    }

    /// `/v1/chat/completions` becomes `/v1/models`.
    private static func modelsPath(_ chatPath: String) -> String {
        chatPath.hasSuffix("/chat/completions") ? chatPath.dropLast("/chat/completions".count) + "/models" : "/v1/models"
    }
}
