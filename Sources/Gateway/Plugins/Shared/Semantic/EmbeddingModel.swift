import GatewayCore
import GatewayWire
import NIOCore

/// The configured embedding model as an outside service: texts in, one vector for each, whatever the provider speaks.
struct EmbeddingModel: OutsideService {
    typealias Query = [String]
    typealias Answer = [[Float]]
    /// `{operation}` of the conventions' `embeddings {model}`; the model is configured, and the same for all calls of an instance.
    static let callName: StaticString = "embeddings"

    private let endpoint: ModelEndpoint
    private let model: String
    private let dimensions: Int
    /// Whether the provider is told how long the vectors shall be; models of a fixed length refuse that.
    private let sendsDimensions: Bool

    /// Models whose vectors come in several lengths.
    private static let variable = ["text-embedding-3", "gemini-embedding", "amazon.titan-embed-text-v2", "cohere.embed-v4"]
    /// The longest answer that is read, bytes.
    private static let answerLimit = 32 << 20

    /// - Parameter path: of the configuration, for problems: `config.embeddings`.
    init(_ configuration: EmbeddingsConfiguration, dimensions: Int, services: PluginServices, path: String, timeoutMilliseconds: Int = 10_000) throws(ConfigurationError) {
        let model = configuration.model
        var settings = ProviderSettings()
        settings.model = model.name
        settings.upstreamURL = model.upstreamURL
        settings.azureInstance = model.azure.instance
        settings.azureDeploymentID = model.azure.deploymentID
        settings.azureAPIVersion = model.azure.apiVersion
        settings.geminiEndpoint = model.gemini.apiEndpoint
        settings.geminiProject = model.gemini.projectID
        settings.geminiLocation = model.gemini.locationID
        settings.awsRegion = model.bedrock.region
        settings.bedrockNormalizesEmbeddings = model.bedrock.normalizesEmbeddings
        let variant: String? =
            switch model.provider {
            case .ollama: ModelTarget.ollamaVariant(model.upstreamURL)
            case .gemini where model.gemini.projectID != nil && model.gemini.locationID != nil: ModelTarget.vertexVariant(model.name)
            default: nil
            }
        let place = ModelEndpoint.Place(provider: model.provider.asChatProvider, variant: variant, settings: settings, bedrock: model.bedrock, auth: configuration.auth)
        var route = ModelEndpoint.Route()
        route.timeoutMilliseconds = timeoutMilliseconds
        self.endpoint = try ModelEndpoint(place, .embeddings, route: route, answerLimit: Self.answerLimit, services: services, path: path)
        self.model = model.name
        self.dimensions = dimensions
        self.sendsDimensions = Self.variable.contains { model.name.hasPrefix($0) }
    }

    func ask(_ texts: [String], _ permit: inout CallPermit) async throws(PluginFailure) -> [[Float]] {
        permit.describeModel(operation: "embeddings", provider: self.endpoint.adapter.descriptor.telemetryName, model: self.model)
        let bodies: [ByteBuffer]
        do throws(ProviderFailure) { bodies = try self.bodies(texts) } catch { throw PluginFailure(error.code, message: error.message) }
        var vectors: [[Float]] = []
        for body in bodies {
            let answer = try await self.endpoint.send(body, &permit)
            guard let read = self.decoded(answer, count: bodies.count == 1 ? texts.count : 1) else {
                throw PluginFailure("embeddings_malformed", message: "the embedding model's answer holds no vectors of \(self.dimensions) dimensions")
            }
            vectors += read
        }
        return vectors
    }

    // MARK: Formats

    /// All texts in one request, or one request a text where the provider takes no more.
    private func bodies(_ texts: [String]) throws(ProviderFailure) -> [ByteBuffer] {
        guard self.endpoint.adapter.format != .openai, let adapter = self.endpoint.adapter as? any TranslatingAdapter else { return [self.openAIBody(texts)] }
        do throws(ProviderFailure) { return [try self.translated(texts, adapter)] } catch {
            guard texts.count > 1, "\(error.code)" == "unsupported_input" else { throw error }
            return try texts.map { (text) throws(ProviderFailure) in try self.translated([text], adapter) }
        }
    }

    private func translated(_ texts: [String], _ adapter: any TranslatingAdapter) throws(ProviderFailure) -> ByteBuffer {
        var request = EmbeddingRequest(origin: .openai)
        request.inputs = texts.map { .text(ChatText($0)) }
        if self.sendsDimensions { request.dimensions = ChatNumber(self.dimensions) }
        var encoding = ChatEncoding(model: self.model, isStream: false, settings: self.endpoint.settings)
        return try adapter.encode(request, &encoding)
    }

    private func openAIBody(_ texts: [String]) -> ByteBuffer {
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
        if let key = self.endpoint.bodyKey {
            writer.key(key.name)
            writer.raw(ByteBuffer(string: key.json))
        }
        writer.endObject()
        return writer.buffer
    }

    /// One vector a text, in the texts' order; nil when the answer is something else.
    private func decoded(_ body: ByteBuffer, count: Int) -> [[Float]]? {
        var vectors = [[Float]](repeating: [], count: count)
        func take(_ vector: JSONView?, at index: Int) -> Bool {
            guard let vector, vector.kind == .array, vectors.indices.contains(index) else { return false }
            vectors[index] = vector.elements.compactMap { $0.double.map { Float($0) } }
            return vectors[index].count == self.dimensions
        }
        if self.endpoint.adapter.format != .openai, let adapter = self.endpoint.adapter as? any TranslatingAdapter {
            guard let answer = try? adapter.decodeEmbeddings(body), answer.vectors.count == count else { return nil }
            for (index, vector) in answer.vectors.enumerated() where !take(vector, at: index) { return nil }
        } else {
            guard let document = try? JSONDocument(body), let data = document["data"], data.kind == .array else { return nil }
            for (position, element) in data.elements.enumerated() where !take(element["embedding"], at: element["index"]?.int ?? position) { return nil }
        }
        return vectors.allSatisfy { !$0.isEmpty } ? vectors : nil
    }
}

extension EmbeddingsConfiguration.Model.Provider {
    /// The same provider in the list of those that chat.
    var asChatProvider: AIProxyConfiguration.Provider {
        switch self {
        case .openai: .openai
        case .mistral: .mistral
        case .huggingface: .huggingface
        case .azure: .azure
        case .gemini: .gemini
        case .bedrock: .bedrock
        case .ollama: .ollama
        }
    }
}
