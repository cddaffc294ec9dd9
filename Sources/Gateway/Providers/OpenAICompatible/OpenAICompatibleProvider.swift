import GatewayCore
import GatewayWire
import NIOCore

/// A provider that speaks OpenAI's API, with its address and its peculiarities.
final class OpenAICompatibleProvider: ProviderAdapter {
    let descriptor: ProviderDescriptor
    /// Scheme, host and path prefix where operations lie, or nil when only the user knows (`upstream_url`).
    let base: @Sendable (ProviderSettings) throws(ProviderFailure) -> String?
    /// Path of an operation below the base.
    let path: @Sendable (ModelOperation) -> String
    let query: @Sendable (ProviderSettings) -> String?

    init(
        _ descriptor: ProviderDescriptor, base: @escaping @Sendable (ProviderSettings) throws(ProviderFailure) -> String?,
        path: @escaping @Sendable (ModelOperation) -> String = OpenAICompatibleProvider.standardPath, query: @escaping @Sendable (ProviderSettings) -> String? = { _ in nil }
    ) {
        self.descriptor = descriptor
        self.base = base
        self.path = path
        self.query = query
    }

    static let standardPath: @Sendable (ModelOperation) -> String = { operation in
        switch operation {
        case .chat: "/v1/chat/completions"
        case .completions: "/v1/completions"
        case .embeddings: "/v1/embeddings"
        }
    }

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        if let url = settings.upstreamURL {
            let parts = try UpstreamURL(url)
            return ProviderLocation(endpoint: parts.endpoint, path: parts.path.isEmpty ? "/" : parts.path, query: parts.query ?? self.query(settings))
        }
        guard let base = try self.base(settings) else {
            throw ProviderFailure("upstream_url_missing", status: 500, message: "model.options.upstream_url is required for \(self.descriptor.name)")
        }
        let parts = try UpstreamURL(base)
        let path = settings.upstreamPath.map { $0.hasPrefix("/") ? $0 : "/\($0)" } ?? parts.path + self.path(operation)
        return ProviderLocation(endpoint: parts.endpoint, path: path, query: self.query(settings))
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer {
        guard var edit = JSONEdit(request.document.root) else {
            throw ProviderFailure("invalid_request_body", status: 400, message: "the request body must be a JSON object")
        }
        if let model = edits.model, request.model != model { edit.set("model", model) }
        for (name, json) in edits.members { edit.set(name, raw: ByteBuffer(string: json)) }
        for name in edits.removed { edit.remove(name) }
        if let stream = edits.stream, request.stream != stream { edit.set("stream", stream) }
        if edits.includesUsage {
            if let options = request.document["stream_options"], options.kind == .object, var inner = JSONEdit(options) {
                inner.set("include_usage", true)
                edit.set("stream_options", raw: inner.apply())
            } else {
                edit.set("stream_options", raw: ByteBuffer(staticString: "{\"include_usage\":true}"))
            }
        }
        return edit.isEmpty ? request.bytes : edit.apply()
    }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { OpenAIResponseReader(hidesUsage: hidesUsage) }

    func classify(status: Int) -> FailureClass {
        switch status {
        case ..<400: .none
        case 401, 403: .authentication
        case 404: .notFound
        case 429: .rateLimited
        case 503, 529: .overloaded
        case 500...: .serverError
        default: .invalidRequest
        }
    }
}
