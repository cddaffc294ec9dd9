import GatewayCore
import GatewayWire
import NIOCore

/// Anthropic's models on Vertex AI (https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude): the Messages API with the model in the path and the
/// version in the body.
final class VertexAnthropicProvider: TranslatingAdapter {
    let descriptor = ProviderDescriptor(name: "gemini", telemetryName: "gcp.vertex_ai", keyVariable: "", reportsStreamUsage: false, variant: "anthropic")
    let format: ModelFormat? = .anthropic
    let locatesEachRequest = true

    static let version = "vertex-2023-10-16"

    /// What a body has where the API itself has a header and a member `model`.
    private static func version(_ settings: ProviderSettings) -> String { settings.anthropicVersion ?? self.version }

    /// URLs are taken by Anthropic's own API only (https://docs.anthropic.com/en/docs/build-with-claude/vision).
    func wantsInline(_ kind: ChatMedia.Kind, at url: ChatText) -> Bool { url.hasPrefix("https://") || url.hasPrefix("http://") }

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        let model = settings.countsTokens ? "count-tokens" : VertexAddress.name(settings.model ?? "model", publisher: "anthropic")
        try VertexAddress.check(model)
        let method = settings.isStream && !settings.countsTokens ? "streamRawPredict" : "rawPredict"
        if let url = settings.upstreamURL {
            let parts = try UpstreamURL(url)
            return ProviderLocation(endpoint: parts.endpoint, path: VertexAddress.replacingMethod(parts.path, method), query: parts.query)
        }
        let address = try VertexAddress.required(settings)
        return ProviderLocation(endpoint: address.endpoint, path: "\(address.path)/publishers/anthropic/models/\(model):\(method)")
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer {
        var edits = edits
        if edits.countsTokens {
            edits.model = edits.model.map { VertexAddress.name($0, publisher: "anthropic") }
        } else {
            edits.model = nil
            edits.removed.append("model")
        }
        if request.document["anthropic_version"] == nil { edits.members.append(("anthropic_version", "\"\(VertexAnthropicProvider.version)\"")) }
        return try RequestSplice.apply(edits, to: request)
    }

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        try AnthropicRequestEncoder.encode(request, &encoding, bodyVersion: VertexAnthropicProvider.version(encoding.settings))
    }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { try AnthropicAnswerDecoder.decode(document) }

    func makeStreamDecoder() -> any ChatStreamDecoder { AnthropicStreamDecoder() }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { AnthropicResponseReader() }

    func classify(status: Int) -> FailureClass { HTTPFailureClass.of(status) }

    /// An error is Anthropic's, or Google's where the request did not get so far.
    func readError(status: Int, body: ByteBuffer) -> ProviderError { GeminiAnswerDecoder.googleError(status: status, body) ?? AnthropicAnswerDecoder.error(status: status, body) }
}
