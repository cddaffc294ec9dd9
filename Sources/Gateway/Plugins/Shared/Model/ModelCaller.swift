import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Asks a configured model something on a plugin's behalf: one chat request, one unstreamed answer, outside the path of the client's own request.
///
/// The model is configured as ai-proxy's (Kong's `llm` sections have the same fields), whatever the provider speaks.
struct ModelCaller: OutsideService {
    struct Query: Sendable {
        let system: String
        let user: ByteBuffer
    }

    struct Answer: Sendable {
        let text: ByteBuffer
        let usage: TokenUsage
        let model: String
    }

    /// Where else than at the provider's default the request goes.
    struct Route: Sendable, Hashable {
        /// For `http` and for `https` URLs.
        var proxy: HTTPCallProxy?
        var secureProxy: HTTPCallProxy?
        var timeoutMilliseconds = 60_000
        var verifiesPeer = true
    }

    static let callName: StaticString = "chat"
    /// The longest answer of a model that is read.
    static let answerLimit = 8 << 20

    let model: String
    let providerName: StaticString
    private let configuration: AIProxyConfiguration
    private let adapter: any ProviderAdapter
    private let settings: ProviderSettings
    private let url: String
    private let headers: [(name: String, value: String)]
    private let http: HTTPService
    private let route: Route

    /// - Parameter path: where the model's section stands, for problems.
    init(_ configuration: AIProxyConfiguration, route: Route, services: PluginServices, path: String) throws(ConfigurationError) {
        func problem(_ field: String, _ text: String) -> ConfigurationError {
            ConfigurationError(issues: [ConfigurationIssue(path: "\(path).\(field)", line: 0, problem: text)])
        }
        guard configuration.routeType == .chat else { throw problem("route_type", "must be llm/v1/chat, since a model is asked to transform text") }
        guard let name = configuration.model.name else { throw problem("model.name", "is required: no client names the model here") }
        let provider = configuration.model.provider.rawValue
        guard let adapter = services.providers.adapter(provider), Self.isServed(adapter, configuration) else {
            throw problem("model.provider", "\"\(provider)\" with this format is not served yet")
        }
        let auth = configuration.auth
        if auth.azureUsesManagedIdentity || auth.gcpUsesServiceAccount || auth.awsAccessKeyID != nil { throw problem("auth", "cloud identities are not served here yet; send a header or parameter") }
        self.configuration = configuration
        self.model = name
        self.providerName = adapter.descriptor.telemetryName
        self.adapter = adapter
        self.http = services.http
        self.route = route
        self.settings = ModelTarget.settings(configuration.model)
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try adapter.locate(.chat, self.settings) } catch { throw problem("model.options", error.message) }
        self.url = Self.url(location, auth)
        var headers = [(name: "Content-Type", value: "application/json"), (name: "Accept", value: "application/json")] + adapter.fields(self.settings)
        if let field = auth.headerName, let value = auth.headerValue { headers.append((name: field, value: value)) }
        self.headers = headers
    }

    private static func isServed(_ adapter: any ProviderAdapter, _ configuration: AIProxyConfiguration) -> Bool {
        switch configuration.model.provider {
        case .llama2: configuration.model.options.llama2Format == .openai
        case .mistral: configuration.model.options.mistralFormat == .openai
        default: adapter.format == .openai || adapter is any TranslatingAdapter
        }
    }

    private static func url(_ location: ProviderLocation, _ auth: AIProxyConfiguration.Auth) -> String {
        var query = location.query ?? ""
        if auth.parameterLocation == .query, let name = auth.parameterName, let value = auth.parameterValue {
            query += (query.isEmpty ? "" : "&") + PercentCoding.segment(name) + "=" + PercentCoding.segment(value)
        }
        return location.endpoint.origin + location.path + (query.isEmpty ? "" : "?\(query)")
    }

    func ask(_ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> Answer {
        permit.describeModel(operation: "chat", provider: self.providerName, model: self.model)
        let body: ByteBuffer
        do throws(ProviderFailure) { body = try self.encode(query) } catch { throw PluginFailure(error.code, message: error.message) }
        let isSecure = self.url.hasPrefix("https:")
        let call = HTTPCall(
            url: self.url, headers: self.headers, body: body, connectTimeoutMilliseconds: self.route.timeoutMilliseconds, totalTimeoutMilliseconds: self.route.timeoutMilliseconds,
            maximumResponseBytes: Self.answerLimit, tls: HTTPCallTLS(verifiesPeer: self.route.verifiesPeer), proxy: isSecure ? self.route.secureProxy : self.route.proxy)
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { throw error.pluginFailure }
        guard (200..<300).contains(answer.status) else { throw PluginFailure("model_status", message: "the model's provider answered \(answer.status)") }
        let read: Answer
        do throws(ProviderFailure) { read = try self.decode(answer.body) } catch { throw PluginFailure(error.code, message: error.message) }
        permit.describeUsage(input: read.usage.input, output: read.usage.output)
        return read
    }

    // MARK: Formats

    private func encode(_ query: Query) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 512 + query.user.readableBytes)
        writer.beginObject()
        writer.key("messages")
        writer.beginArray()
        for (role, text) in [("system" as StaticString, ByteBuffer(string: query.system)), ("user", query.user)] {
            writer.beginObject()
            writer.key("role")
            writer.string(role)
            writer.key("content")
            writer.string(text)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        var edits = ModelRequestEdits()
        edits.model = self.model
        edits.members = ModelTarget.overrides(self.configuration.model.options, .chat)
        if self.configuration.auth.parameterLocation == .body, let name = self.configuration.auth.parameterName, let value = self.configuration.auth.parameterValue {
            edits.members.append((name, String(buffer: JSONValue.string(value).encoded())))
        }
        let body: ModelRequestBody
        do throws(JSONError) { body = try ModelRequestBody(writer.buffer, operation: .chat) } catch { throw ProviderFailure(error.code.name, status: 500, message: "the request is no JSON") }
        if self.adapter.format == .openai { return try self.adapter.encode(body, edits) }
        guard let adapter = self.adapter as? any TranslatingAdapter else { throw ProviderFailure("operation_not_served", status: 500, message: "the provider is not served here") }
        // The configured options as a client of OpenAI's format would have sent them.
        var splice = body.bytes
        if !edits.members.isEmpty {
            splice = ByteBuffer()
            splice.writeImmutableBuffer(body.bytes.getSlice(at: body.bytes.readerIndex, length: body.bytes.readableBytes - 1) ?? ByteBuffer())
            for member in edits.members { splice.writeString(",\(String(buffer: JSONValue.string(member.name).encoded())):\(member.json)") }
            splice.writeStaticString("}")
        }
        let complete: ModelRequestBody
        do throws(JSONError) { complete = try ModelRequestBody(splice, operation: .chat) } catch { throw ProviderFailure(error.code.name, status: 500, message: "the request is no JSON") }
        let chat = try OpenAIFormat().decode(ClientRequest(body: complete))
        var encoding = ChatEncoding(model: self.model, isStream: false, settings: self.settings)
        return try adapter.encode(chat, &encoding)
    }

    private func decode(_ document: ByteBuffer) throws(ProviderFailure) -> Answer {
        let reader = self.adapter.makeReader(hidesUsage: false)
        reader.document(document)
        let model = reader.facts.model.map { String(buffer: $0) } ?? self.model
        if self.adapter.format == .openai {
            guard let parsed = try? JSONDocument(document), let message = parsed["choices"]?.elements.first(where: { _ in true })?["message"], let text = message["content"]?.text else {
                throw ProviderFailure("model_answer", status: 502, message: "the model's answer has no text")
            }
            return Answer(text: text, usage: reader.facts.usage, model: model)
        }
        guard let adapter = self.adapter as? any TranslatingAdapter else { throw ProviderFailure("operation_not_served", status: 500, message: "the provider is not served here") }
        let context = AnswerContext(requestID: "", createdAt: 0, model: self.model)
        let openAI = OpenAIFormat().encode(try adapter.decode(document), context)
        guard let parsed = try? JSONDocument(openAI), let message = parsed["choices"]?.elements.first(where: { _ in true })?["message"], let text = message["content"]?.text else {
            throw ProviderFailure("model_answer", status: 502, message: "the model's answer has no text")
        }
        return Answer(text: text, usage: reader.facts.usage, model: model)
    }
}
