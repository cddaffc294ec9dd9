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

    static let callName: StaticString = "chat"
    /// The longest answer of a model that is read.
    static let answerLimit = 8 << 20

    let model: String
    let providerName: StaticString
    private let options: AIProxyConfiguration.ModelOptions
    private let endpoint: ModelEndpoint

    /// - Parameter path: where the model's section stands, for problems.
    init(
        _ model: AIProxyConfiguration.Model, _ auth: AIProxyConfiguration.Auth, routeType: AIProxyConfiguration.RouteType, route: ModelEndpoint.Route, services: PluginServices,
        path: String
    ) throws(ConfigurationError) {
        func problem(_ field: String, _ text: String) -> ConfigurationError {
            ConfigurationError(issues: [ConfigurationIssue(path: "\(path).\(field)", line: 0, problem: text)])
        }
        guard routeType == .chat else { throw problem("route_type", "must be llm/v1/chat, since the model is asked in a chat") }
        guard let name = model.name else { throw problem("model.name", "is required: no client names the model here") }
        let place = ModelEndpoint.Place(
            provider: model.provider, variant: ModelTarget.variant(model, .openai), settings: ModelTarget.settings(model), bedrock: model.options.bedrock, auth: auth)
        self.endpoint = try ModelEndpoint(place, .chat, route: route, answerLimit: Self.answerLimit, services: services, path: path)
        self.model = name
        self.options = model.options
        self.providerName = self.endpoint.adapter.descriptor.telemetryName
    }

    func ask(_ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> Answer {
        permit.describeModel(operation: "chat", provider: self.providerName, model: self.model)
        let body: ByteBuffer
        do throws(ProviderFailure) { body = try self.encode(query) } catch { throw PluginFailure(error.code, message: error.message) }
        let document = try await self.endpoint.send(body, &permit)
        let read: Answer
        do throws(ProviderFailure) { read = try self.decode(document) } catch { throw PluginFailure(error.code, message: error.message) }
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
        edits.members = ModelTarget.overrides(self.options, .chat)
        if let key = self.endpoint.bodyKey { edits.members.append(key) }
        let body: ModelRequestBody
        do throws(JSONError) { body = try ModelRequestBody(writer.buffer, operation: .chat) } catch { throw ProviderFailure(error.code.name, status: 500, message: "the request is no JSON") }
        if self.endpoint.adapter.format == .openai { return try self.endpoint.adapter.encode(body, edits) }
        guard let adapter = self.endpoint.adapter as? any TranslatingAdapter else { throw ProviderFailure("operation_not_served", status: 500, message: "the provider is not served here") }
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
        var encoding = ChatEncoding(model: self.model, isStream: false, settings: self.endpoint.settings)
        return try adapter.encode(chat, &encoding)
    }

    private func decode(_ document: ByteBuffer) throws(ProviderFailure) -> Answer {
        let reader = self.endpoint.adapter.makeReader(hidesUsage: false)
        reader.document(document)
        let model = reader.facts.model.map { String(buffer: $0) } ?? self.model
        if self.endpoint.adapter.format == .openai {
            guard let parsed = try? JSONDocument(document), let message = parsed["choices"]?.elements.first(where: { _ in true })?["message"], let text = message["content"]?.text else {
                throw ProviderFailure("model_answer", status: 502, message: "the model's answer has no text")
            }
            return Answer(text: text, usage: reader.facts.usage, model: model)
        }
        guard let adapter = self.endpoint.adapter as? any TranslatingAdapter else { throw ProviderFailure("operation_not_served", status: 500, message: "the provider is not served here") }
        let context = AnswerContext(requestID: "", createdAt: 0, model: self.model)
        let openAI = OpenAIFormat().encode(try adapter.decode(document), context)
        guard let parsed = try? JSONDocument(openAI), let message = parsed["choices"]?.elements.first(where: { _ in true })?["message"], let text = message["content"]?.text else {
            throw ProviderFailure("model_answer", status: 502, message: "the model's answer has no text")
        }
        return Answer(text: text, usage: reader.facts.usage, model: model)
    }
}
