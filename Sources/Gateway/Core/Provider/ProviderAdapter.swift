public import NIOCore
public import Telemetry

/// What is constant about a provider.
public struct ProviderDescriptor: Sendable {
    /// Kong's `model.provider`.
    public let name: StaticString
    /// `gen_ai.provider.name`: the conventions' value where they have one, else `name`.
    public let telemetryName: StaticString
    /// Environment variable that holds its API key in the mode without a file; empty: not served there.
    public let keyVariable: StaticString
    /// Whether a streamed request may carry `stream_options.include_usage`.
    public let reportsStreamUsage: Bool
    /// Which of several formats of this provider it is (Kong's `llama2_format`, `mistral_format`); empty: the usual one.
    public let variant: StaticString
    /// The field a key is sent in where nobody configures another, and what stands before the key in it.
    public let keyField: StaticString
    public let keyPrefix: StaticString
    /// Whether it is a server of the operator's own: without an address that is known beforehand, and with a key only if its server asks for one.
    public let isSelfHosted: Bool

    public init(
        name: StaticString, telemetryName: StaticString, keyVariable: StaticString, reportsStreamUsage: Bool, variant: StaticString = "", keyField: StaticString = "Authorization",
        keyPrefix: StaticString = "Bearer ", isSelfHosted: Bool = false
    ) {
        self.name = name
        self.telemetryName = telemetryName
        self.keyVariable = keyVariable
        self.reportsStreamUsage = reportsStreamUsage
        self.variant = variant
        self.keyField = keyField
        self.keyPrefix = keyPrefix
        self.isSelfHosted = isSelfHosted
    }
}

/// Why a provider's adapter cannot express a request, or what a provider's failure means.
public struct ProviderFailure: Error, Sendable {
    /// Bounded value of `error.type`.
    public let code: StaticString
    public let status: Int
    /// For the client; may name fields of its request, never their content.
    public let message: String
    /// The member of the request it is about.
    public let parameter: String?

    public init(_ code: StaticString, status: Int, message: String, parameter: String? = nil) {
        self.code = code
        self.status = status
        self.message = message
        self.parameter = parameter
    }
}

/// What went wrong at a provider, closed: balancing maps it to an action.
public enum FailureClass: Sendable, Equatable {
    case none, authentication, invalidRequest, notFound, rateLimited, overloaded, serverError
}

/// Translates between the gateway's model traffic and one vendor's API. Pure: no I/O, no clock, no telemetry.
///
/// A client of the same format is served without translation (`format`): its bytes are spliced and its answers read on their way. For every other client an adapter
/// has to be a ``TranslatingAdapter``.
public protocol ProviderAdapter: AnyObject, Sendable {
    var descriptor: ProviderDescriptor { get }
    /// The format its API speaks; nil: one that no client speaks. Default openai.
    var format: ModelFormat? { get }
    /// Where an operation is served. `settings.model` and `settings.isStream` are those of one request when `locatesEachRequest`.
    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation
    /// Whether the path depends on the model or on streaming. Default false: located once, by configuration alone.
    var locatesEachRequest: Bool { get }
    /// Fields every request to the vendor carries (`anthropic-version`). Default none.
    func fields(_ settings: ProviderSettings) -> [(name: String, value: String)]

    // MARK: Untranslated
    /// The provider's request body, for a client of the same format.
    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer
    /// Reads one answer: a document or a stream.
    /// - Parameter hidesUsage: drop the usage chunk that the client did not ask for.
    func makeReader(hidesUsage: Bool) -> any ModelResponseReader
    /// The same for an operation; by default all operations are read alike.
    func makeReader(_ operation: ModelOperation, hidesUsage: Bool) -> any ModelResponseReader
    func classify(status: Int) -> FailureClass
}

/// An adapter that also serves clients of other formats: it writes a ``ChatRequest`` as its vendor wants it, and reads answers, streams and errors into the canonical model.
///
/// Formats the adapter's own clients speak (`format`) never come here.
public protocol TranslatingAdapter: ProviderAdapter {
    /// The provider's request body for a canonical request. What the vendor cannot express goes through ``ChatEncoding/drop(_:)``.
    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer
    /// An unstreamed answer.
    ///
    /// - Throws: 502 when the document is no answer of this vendor.
    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer
    /// How streams are framed. Default server-sent events.
    var streamFraming: StreamFraming { get }
    func makeStreamDecoder() -> any ChatStreamDecoder
    /// The provider's request body for an embeddings request. Default: not served.
    func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer
    /// The provider's answer to one.
    func decodeEmbeddings(_ document: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer
    /// The provider's request body for images. Default: not served.
    func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer
    /// The provider's answer to one.
    ///
    /// - Throws: 502 when the document is no answer of this vendor. One without an image is no failure here.
    func decodeImages(_ document: ByteBuffer) throws(ProviderFailure) -> ImageAnswer
    /// Operations it translates. Default chat and completions (as a chat of one message).
    var translatedOperations: [ModelOperation] { get }
    /// Whether the vendor wants the content of a media URL in the request, because it fetches none itself. Default false.
    func wantsInline(_ kind: ChatMedia.Kind, at url: ChatText) -> Bool
    /// Reads the body of an answer with an error status.
    func readError(status: Int, body: ByteBuffer) -> ProviderError
}

extension TranslatingAdapter {
    public var streamFraming: StreamFraming { .serverSentEvents }
    public var translatedOperations: [ModelOperation] { [.chat, .completions] }
    public func wantsInline(_ kind: ChatMedia.Kind, at url: ChatText) -> Bool { false }

    public func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        throw ProviderFailure("operation_not_served", status: 400, message: "embeddings are not available from \(self.descriptor.name)")
    }

    public func decodeEmbeddings(_ document: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer {
        throw ProviderFailure("operation_not_served", status: 502, message: "embeddings are not available from \(self.descriptor.name)")
    }
}

extension ProviderAdapter {
    public var format: ModelFormat? { .openai }
    public var locatesEachRequest: Bool { false }
    public func makeReader(_ operation: ModelOperation, hidesUsage: Bool) -> any ModelResponseReader { self.makeReader(hidesUsage: hidesUsage) }
    public func fields(_ settings: ProviderSettings) -> [(name: String, value: String)] { [] }
}

/// The settings of a model that say where it is served; Kong's `model.options`.
public struct ProviderSettings: Sendable {
    public var model: String?
    public var upstreamURL: String?
    public var upstreamPath: String?
    public var azureInstance: String?
    public var azureDeploymentID: String?
    public var azureAPIVersion = "2023-05-15"
    public var dashscopeIsInternational = true
    public var databricksWorkspaceID: String?
    public var anthropicVersion: String?
    /// Region of Bedrock's endpoint.
    public var awsRegion: String?
    /// Bedrock's `performanceConfig.latency` of every request; nil: the client's.
    public var bedrockLatency: String?
    /// Whether Titan's embeddings are normalized.
    public var bedrockNormalizesEmbeddings = false
    /// Where Bedrock puts videos: `s3://bucket/prefix`.
    public var bedrockVideoOutput: String?
    /// Cohere's `input_type` of embeddings, where the client gives none.
    public var cohereInputType = "classification"
    /// Gemini on Vertex: endpoint, project and location; nil: Google AI.
    public var geminiEndpoint: String?
    public var geminiProject: String?
    public var geminiLocation: String?
    /// A Vertex Model Garden endpoint.
    public var geminiEndpointID: String?
    /// What of its own API a client of the provider's format asks for, where the path says it: `invoke`, `/v2/rerank`; nil: what the operation is.
    public var action: String?
    /// Of one request, for paths that depend on it.
    public var isStream = false
    /// The request asks for a count of its tokens, not for an answer.
    public var countsTokens = false
    /// The stream is to come as a JSON array.
    public var streamsArray = false

    public init() {}
}

/// An endpoint and the request target on it.
public struct ProviderLocation: Sendable {
    public let endpoint: UpstreamEndpoint
    /// From "/" on.
    public let path: String
    /// Without "?"; nil: none.
    public let query: String?

    public init(endpoint: UpstreamEndpoint, path: String, query: String? = nil) {
        self.endpoint = endpoint
        self.path = path
        self.query = query
    }
}

/// What the gateway changes in a request body on its way to a provider.
public struct ModelRequestEdits: Sendable {
    /// Replaces or adds `model`; nil: as the client sent it.
    public var model: String?
    /// Replaces or adds top-level members: name and JSON text.
    public var members: [(name: String, json: String)] = []
    /// Removes top-level members.
    public var removed: [String] = []
    /// Sets `stream`.
    public var stream: Bool?
    /// Asks for the usage chunk of a stream.
    public var includesUsage = false
    /// The request asks for a count of its tokens, not for an answer.
    public var countsTokens = false
    /// Options of the configuration that win over the request's; for formats that keep them elsewhere than OpenAI's.
    public var options = ModelOptionValues()

    public init() {}
}

/// Options of a configured model that a request is sent with, whatever it says itself: Kong's `model.options`.
public struct ModelOptionValues: Sendable, Equatable {
    public var maximumTokens: Int?
    public var temperature: Double?
    public var topP: Double?
    public var topK: Int?

    public init() {}

    public var isEmpty: Bool { self == ModelOptionValues() }

    /// Puts them over a canonical request's own.
    public func apply(to request: inout ChatRequest) {
        if let value = self.maximumTokens { request.maximumTokens = ChatNumber(value) }
        if let value = self.temperature { request.temperature = ChatNumber(value) }
        if let value = self.topP { request.topP = ChatNumber(value) }
        if let value = self.topK { request.topK = ChatNumber(value) }
    }
}

/// What a provider's answer said about itself.
public struct ModelResponseFacts: Sendable {
    public var usage = TokenUsage()
    public var model: ByteBuffer?
    public var id: ByteBuffer?
    /// Comma-separated, distinct, in the provider's spelling.
    public var finishReasons: ByteBuffer?
    /// The service tier that the provider says it served, in its spelling: `priority`, `flex`, `PROVISIONED_THROUGHPUT`.
    public var serviceTier: ByteBuffer?
    /// The stream's own end marker was seen, or the document was complete.
    public var isComplete = false
    /// Answers of a session that ended, well or not; 0 where there is but one.
    public var sessionAnswers = 0

    public init() {}
}

/// What happens to one event of a stream.
public enum EventDisposition: Sendable { case pass, drop }

/// Reads one answer of a provider for its facts. Used on one loop, by one exchange.
public protocol ModelResponseReader: AnyObject {
    /// One event's data.
    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition
    /// A whole unstreamed answer.
    func document(_ bytes: ByteBuffer)
    var facts: ModelResponseFacts { get }
    /// Whether the provider has told of an error in the middle of a stream. Default: it has not.
    var hasFailed: Bool { get }
    /// The facts, for who asks last: they need not be kept.
    func takeFacts() -> ModelResponseFacts
}

extension ModelResponseReader {
    public var hasFailed: Bool { false }
    public func takeFacts() -> ModelResponseFacts { self.facts }
}

/// The providers this build serves.
public struct ProviderDirectory: Sendable {
    private let adapters: [String: any ProviderAdapter]

    public init(_ adapters: [any ProviderAdapter]) {
        self.adapters = Dictionary(adapters.map { (ProviderDirectory.key($0.descriptor), $0) }, uniquingKeysWith: { a, _ in a })
    }

    private static func key(_ descriptor: ProviderDescriptor) -> String {
        descriptor.variant.utf8CodeUnitCount == 0 ? "\(descriptor.name)" : "\(descriptor.name)/\(descriptor.variant)"
    }

    /// - Parameter variant: one of the provider's formats; nil: the usual one.
    public func adapter(_ name: String, variant: String? = nil) -> (any ProviderAdapter)? { self.adapters[variant.map { "\(name)/\($0)" } ?? name] }
    /// The usual one of each.
    public var all: [any ProviderAdapter] { self.adapters.values.filter { $0.descriptor.variant.utf8CodeUnitCount == 0 }.sorted { "\($0.descriptor.name)" < "\($1.descriptor.name)" } }
}
