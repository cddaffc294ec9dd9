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
        let path: ByteBuffer
        let credentials: FieldEdits
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
                let location = try adapter.locate(operation, Self.settings(provider, operation))
                var credentials = FieldEdits()
                credentials.set("Authorization", "Bearer \(provider.key)")
                targets[provider.name] = Target(
                    offer: ModelOffer(
                        adapter: adapter, operation: operation, isModelConfigured: false, location: location, prices: nil, logsStatistics: true, logsPayloads: false,
                        pluginID: services.instanceID),
                    path: ByteBuffer(string: location.path + (location.query.map { "?\($0)" } ?? "")), credentials: credentials)
            } catch {
                issues.append(ConfigurationIssue(path: "config.providers", line: 0, problem: "\(provider.name): \(error.message)"))
            }
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
        self.targets = targets
    }

    private static func settings(_ provider: DirectProxyConfiguration.Provider, _ operation: ModelOperation) -> ProviderSettings {
        var settings = ProviderSettings()
        guard let base = provider.baseURL else { return settings }
        let path =
            switch operation {
            case .chat: "chat/completions"
            case .completions: "completions"
            case .embeddings: "embeddings"
            }
        settings.upstreamURL = base.hasSuffix("/") ? base + path : "\(base)/\(path)"
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
        do throws(JSONError) { body = try ModelRequestBody(bytes, operation: operation) } catch {
            return .reject(RefusedRequest(400, error.code.name, "the request body is not valid JSON: \(error.code.name) at byte \(error.offset)").rejection)
        }
        do throws(RefusedRequest) {
            let (plan, encoded) = try self.plan(body, operation)
            request.body = .model(body)
            request.upstream = .model(plan, body: encoded)
            request.responseFields.append((name: "X-Kong-LLM-Model", value: plan.servedName))
            return .modified
        } catch { return .reject(error.rejection) }
    }

    private func checkKey(_ request: borrowing GatewayRequest) -> Rejection? {
        guard let clientKey = self.clientKey else { return nil }
        let sent = request.fields.first(.authorization)?.withUnsafeBytes { self.hash($0) }
        return sent == clientKey ? nil : Rejection(status: 401, code: "invalid_api_key", message: "the API key is missing or wrong", shape: .openAI(type: "authentication_error", parameter: nil))
    }

    private func plan(_ body: ModelRequestBody, _ operation: ModelOperation) throws(RefusedRequest) -> (plan: ModelPlan, body: ByteBuffer) {
        guard body.isObject, let prompt = body.prompt, !prompt.isNull else {
            throw RefusedRequest(400, "missing_prompt", "the request body has no \"\(operation.promptMember())\"", parameter: "\(operation.promptMember())")
        }
        guard let name = body.model, let slash = name.firstIndex(of: "/") else {
            throw RefusedRequest(400, "invalid_model", "name the model as provider/model; providers: \(self.providerNames)", parameter: "model")
        }
        let model = String(name[name.index(after: slash)...])
        guard let target = self.targets[String(name[..<slash])], !model.isEmpty else {
            throw RefusedRequest(404, "unknown_provider", "no provider \"\(name[..<slash])\" is configured; providers: \(self.providerNames)", parameter: "model")
        }
        let isStream = operation != .embeddings && (body.stream ?? false)
        var edits = ModelRequestEdits()
        edits.model = model
        edits.includesUsage = isStream && target.offer.adapter.descriptor.reportsStreamUsage && !body.asksForUsage
        let encoded: ByteBuffer
        do throws(ProviderFailure) { encoded = try target.offer.adapter.encode(body, edits) } catch { throw RefusedRequest(error.status, error.code, error.message) }
        let plan = ModelPlan(
            offer: target.offer, model: model, target: target.path, fields: target.credentials, isStream: isStream, hidesUsage: edits.includesUsage,
            parameters: body.parameters)
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
        var settings = ProviderSettings()
        if let base = query.provider.baseURL { settings.upstreamURL = base.hasSuffix("/") ? base + "models" : "\(base)/models" }
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try query.adapter.locate(.chat, settings) } catch { throw PluginFailure(error.code, message: error.message) }
        let path = query.provider.baseURL == nil ? ModelList.modelsPath(location.path) : location.path
        let scheme = location.endpoint.isTLS ? "https" : "http"
        let call = HTTPCall(
            method: "GET", url: "\(scheme)://\(location.endpoint.authority)\(path)", headers: [(name: "Authorization", value: "Bearer \(query.provider.key)")])
        let answer: HTTPAnswer
        // A provider that does not answer has no models to offer; what became of the call stands in its span.
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { return [] }
        guard answer.status == 200, let document = try? JSONDocument(answer.body), let data = document["data"] else { return [] }
        return data.elements.compactMap { $0["id"]?.string }
    }

    /// `/v1/chat/completions` becomes `/v1/models`.
    private static func modelsPath(_ chatPath: String) -> String {
        chatPath.hasSuffix("/chat/completions") ? chatPath.dropLast("/chat/completions".count) + "/models" : "/v1/models"
    }
}
