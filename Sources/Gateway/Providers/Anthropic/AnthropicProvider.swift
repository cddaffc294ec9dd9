import GatewayCore
import GatewayWire
import NIOCore

/// Anthropic's Messages API (https://docs.anthropic.com/en/api/messages).
final class AnthropicProvider: TranslatingAdapter {
    let descriptor = ProviderDescriptor(
        name: "anthropic", telemetryName: "anthropic", keyVariable: "ANTHROPIC_API_KEY", reportsStreamUsage: false, keyField: "x-api-key", keyPrefix: "")
    let format: ModelFormat? = .anthropic

    static let address = "https://api.anthropic.com"
    /// The version the API had before it asked for one.
    static let version = "2023-06-01"

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        let parts = try UpstreamURL(settings.upstreamURL ?? AnthropicProvider.address)
        let suffix = settings.countsTokens ? "/count_tokens" : ""
        if settings.upstreamURL != nil {
            return ProviderLocation(endpoint: parts.endpoint, path: (parts.path.isEmpty ? "/v1/messages" : parts.path) + suffix, query: parts.query)
        }
        let path = settings.upstreamPath.map { $0.hasPrefix("/") ? $0 : "/\($0)" } ?? "/v1/messages"
        return ProviderLocation(endpoint: parts.endpoint, path: path + suffix)
    }

    func fields(_ settings: ProviderSettings) -> [(name: String, value: String)] {
        [("anthropic-version", settings.anthropicVersion ?? AnthropicProvider.version)]
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer { try RequestSplice.apply(edits, to: request) }

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        try AnthropicRequestEncoder.encode(request, &encoding)
    }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { try AnthropicAnswerDecoder.decode(document) }

    func makeStreamDecoder() -> any ChatStreamDecoder { AnthropicStreamDecoder() }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { AnthropicResponseReader() }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    func readError(status: Int, body: ByteBuffer) -> ProviderError { AnthropicAnswerDecoder.error(status: status, body) }
}
