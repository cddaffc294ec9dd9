import GatewayCore
import GatewayWire
import NIOCore

/// A provider that speaks OpenAI's API, with its address and its peculiarities.
final class OpenAICompatibleProvider: TranslatingAdapter {
    let descriptor: ProviderDescriptor
    /// Scheme, host and path prefix where operations lie, or nil when only the user knows (`upstream_url`).
    let base: @Sendable (ProviderSettings) throws(ProviderFailure) -> String?
    /// Path of an operation below the base.
    let path: @Sendable (ModelOperation, ProviderSettings) -> String
    let query: @Sendable (ProviderSettings) -> String?
    /// What the query of a realtime session's address names the model with.
    let realtimeQuery: @Sendable (ProviderSettings) -> String?
    /// How the provider calls a model that clients and configuration may name otherwise; nil: the same.
    let modelName: (@Sendable (String) -> String)?
    let locatesEachRequest: Bool
    let dialect: OpenAIDialect

    init(
        _ descriptor: ProviderDescriptor, base: @escaping @Sendable (ProviderSettings) throws(ProviderFailure) -> String?,
        path: @escaping @Sendable (ModelOperation, ProviderSettings) -> String = OpenAICompatibleProvider.standardPath, query: @escaping @Sendable (ProviderSettings) -> String? = { _ in nil },
        realtimeQuery: @escaping @Sendable (ProviderSettings) -> String? = { $0.model.map { "model=\(PercentEncoding.encoded($0))" } }, dialect: OpenAIDialect = OpenAIDialect(),
        modelName: (@Sendable (String) -> String)? = nil, locatesEachRequest: Bool = false
    ) {
        self.descriptor = descriptor
        self.base = base
        self.path = path
        self.query = query
        self.realtimeQuery = realtimeQuery
        self.modelName = modelName
        self.locatesEachRequest = locatesEachRequest
        var dialect = dialect
        dialect.reportsStreamUsage = descriptor.reportsStreamUsage
        self.dialect = dialect
    }

    static let standardPath: @Sendable (ModelOperation, ProviderSettings) -> String = { operation, _ in "/v1\(operation.path)" }

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        if let url = settings.upstreamURL {
            let parts = try UpstreamURL(url)
            return ProviderLocation(endpoint: parts.endpoint, path: parts.path.isEmpty ? "/" : parts.path, query: self.query(operation, settings, own: parts.query))
        }
        guard let base = try self.base(settings) else {
            throw ProviderFailure("upstream_url_missing", status: 500, message: "model.options.upstream_url is required for \(self.descriptor.name)")
        }
        let parts = try UpstreamURL(base)
        let path = settings.upstreamPath.map { $0.hasPrefix("/") ? $0 : "/\($0)" } ?? parts.path + self.path(operation, settings)
        return ProviderLocation(endpoint: parts.endpoint, path: path, query: self.query(operation, settings, own: nil))
    }

    /// - Parameter own: the query of an address that the user configured, which stays as it is.
    private func query(_ operation: ModelOperation, _ settings: ProviderSettings, own: String?) -> String? {
        let query = own ?? self.query(settings)
        guard operation == .realtime, let model = self.realtimeQuery(settings) else { return query }
        guard let query else { return model }
        let name = model.prefix { $0 != "=" }
        return query.split(separator: "&").contains { $0.prefix { $0 != "=" } == name } ? query : "\(query)&\(model)"
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer {
        guard let modelName, let model = edits.model else { return try RequestSplice.apply(edits, to: request) }
        var edits = edits
        edits.model = modelName(model)
        return try RequestSplice.apply(edits, to: request)
    }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { OpenAIResponseReader(hidesUsage: hidesUsage) }

    func makeReader(_ operation: ModelOperation, hidesUsage: Bool) -> any ModelResponseReader {
        if operation.isPrompt { return OpenAIResponseReader(hidesUsage: hidesUsage) }
        return operation == .realtime ? OpenAIRealtimeReader() : OpenAIOperationReader()
    }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    // MARK: Translated

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        if let modelName { encoding.model = modelName(encoding.model) }
        return try OpenAIRequestEncoder.encode(request, self.dialect, &encoding)
    }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { try OpenAIAnswerDecoder.decode(document) }

    func makeStreamDecoder() -> any ChatStreamDecoder { OpenAIStreamDecoder() }

    /// Behind Google's endpoints an error may be Google's.
    func readError(status: Int, body: ByteBuffer) -> ProviderError {
        (self.modelName == nil ? nil : GeminiAnswerDecoder.googleError(status: status, body)) ?? OpenAIAnswerDecoder.error(status: status, body)
    }
}
