import GatewayCore
import GatewayWire
import NIOCore

/// The configured embedding model as an outside service: texts in, one vector for each.
struct EmbeddingModel: OutsideService {
    typealias Query = [String]
    typealias Answer = [[Float]]
    /// `{operation}` of the conventions' `embeddings {model}`; the model is configured, and the same for all calls of an instance.
    static let callName: StaticString = "embeddings"

    private let http: HTTPService
    private let url: String
    private let headers: [(name: String, value: String)]
    private let body: (name: String, value: String)?
    private let model: String
    private let dimensions: Int
    /// Whether the provider is told how long the vectors shall be; models of a fixed length refuse that.
    private let sendsDimensions: Bool
    private let timeoutMilliseconds: Int

    /// - Parameter path: of the configuration, for problems: `config.embeddings`.
    init(
        _ configuration: EmbeddingsConfiguration, dimensions: Int, http: HTTPService, providers: ProviderDirectory, path: String, timeoutMilliseconds: Int = 10_000
    ) throws(ConfigurationError) {
        func problem(_ at: String, _ problem: String) -> ConfigurationError {
            ConfigurationError(issues: [ConfigurationIssue(path: "\(path).\(at)", line: 0, problem: problem)])
        }
        let model = configuration.model
        guard let adapter = providers.adapter(model.provider.rawValue), adapter.format == .openai, model.provider != .gemini, model.provider != .bedrock else {
            throw problem("model.provider", "\"\(model.provider.rawValue)\" is not served for embeddings yet; providers that speak OpenAI's format are")
        }
        let auth = configuration.auth
        if auth.azureUsesManagedIdentity || auth.azureClientSecret != nil { throw problem("auth", "Azure identities are not served for embeddings yet; send an api-key header") }
        var settings = ProviderSettings()
        settings.model = model.name
        settings.upstreamURL = model.upstreamURL
        settings.azureInstance = model.azure.instance
        settings.azureDeploymentID = model.azure.deploymentID
        settings.azureAPIVersion = model.azure.apiVersion
        let location: ProviderLocation
        do throws(ProviderFailure) { location = try adapter.locate(.embeddings, settings) } catch { throw problem("model.options", error.message) }
        var query = location.query
        if auth.parameterLocation == .query, let name = auth.parameterName, let value = auth.parameterValue {
            query = String(buffer: FormFields(query.map { ByteBuffer(string: $0) } ?? ByteBuffer()).setting(name, value))
        }
        self.http = http
        self.url = location.endpoint.origin + location.path + (query.map { "?\($0)" } ?? "")
        var headers = [(name: "Content-Type", value: "application/json")]
        if let name = auth.headerName, let value = auth.headerValue { headers.append((name, value)) }
        self.headers = headers
        self.body = auth.parameterLocation == .body ? auth.parameterName.flatMap { name in auth.parameterValue.map { (name, $0) } } : nil
        self.model = model.name
        self.dimensions = dimensions
        self.sendsDimensions = model.name.hasPrefix("text-embedding-3")
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    func ask(_ texts: [String], _ permit: inout CallPermit) async throws(PluginFailure) -> [[Float]] {
        let call = HTTPCall(url: self.url, headers: self.headers, body: self.encoded(texts), totalTimeoutMilliseconds: self.timeoutMilliseconds, maximumResponseBytes: 32 << 20)
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { throw error.pluginFailure }
        guard answer.status == 200 else { throw PluginFailure("embeddings_refused", message: "the embedding model answered \(answer.status)") }
        guard let vectors = self.decoded(answer.body, count: texts.count) else {
            throw PluginFailure("embeddings_malformed", message: "the embedding model's answer holds no vectors of \(self.dimensions) dimensions")
        }
        return vectors
    }

    private func encoded(_ texts: [String]) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.key("model")
        writer.string(self.model)
        writer.key("input")
        writer.beginArray()
        for text in texts { writer.string(text) }
        writer.endArray()
        if self.sendsDimensions {
            writer.key("dimensions")
            writer.number(self.dimensions)
        }
        if let body {
            writer.key(body.name)
            writer.string(body.value)
        }
        writer.endObject()
        return writer.buffer
    }

    /// One vector a text, in the texts' order; nil when the answer is something else.
    private func decoded(_ body: ByteBuffer, count: Int) -> [[Float]]? {
        guard let document = try? JSONDocument(body), let data = document["data"], data.kind == .array else { return nil }
        var vectors = [[Float]](repeating: [], count: count)
        var position = 0
        for element in data.elements {
            guard let embedding = element["embedding"], embedding.kind == .array else { return nil }
            let index = element["index"]?.int ?? position
            let vector = embedding.elements.compactMap { $0.double.map { Float($0) } }
            guard vectors.indices.contains(index), vector.count == self.dimensions else { return nil }
            vectors[index] = vector
            position += 1
        }
        return vectors.allSatisfy { !$0.isEmpty } ? vectors : nil
    }
}
