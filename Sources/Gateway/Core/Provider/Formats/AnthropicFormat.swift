import GatewayWire
public import NIOCore

/// Anthropic's Messages API as clients speak it (https://docs.anthropic.com/en/api/messages).
public final class AnthropicFormat: ClientFormat {
    public let name = ModelFormat.anthropic

    public init() {}

    /// `…/v1/messages` or `…/v1/messages/count_tokens`; of clients for Vertex AI `…/models/MODEL:rawPredict`, with `count-tokens` for the model where they count.
    public func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        call.model = request.body.model
        call.asksStream = request.body.stream
        let suffix: StaticString = "/count_tokens"
        let length = suffix.utf8CodeUnitCount
        call.kind = request.path.withUnsafeReadableBytes { path in
            path.count >= length && UnsafeRawBufferPointer(rebasing: path[(path.count - length)...]).isText(suffix) ? .countTokens : .generate
        }
        if request.path.readableBytesView.last == UInt8(ascii: "t") { AnthropicFormat.readVertex(request.path, &call) }
        return call
    }

    /// What the path of a client for Vertex AI says.
    private static func readVertex(_ path: ByteBuffer, _ call: inout ClientCall) {
        let path = String(buffer: path)
        guard let colon = path.lastIndex(of: ":"), path[colon...] == ":rawPredict" || path[colon...] == ":streamRawPredict" else { return }
        let name = path[..<colon].split(separator: "/").last.map(String.init) ?? ""
        if name == "count-tokens" { call.kind = .countTokens } else if call.model == nil { call.model = name }
    }

    public func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest { try AnthropicRequestDecoder.decode(request.body.document.root) }

    public func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { AnthropicAnswerEncoder.message(answer, context) }

    public func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { AnthropicStreamEncoder(context) }

    public func encode(_ error: ProviderError) -> ByteBuffer { AnthropicAnswerEncoder.error(error) }

    /// https://docs.anthropic.com/en/api/messages-count-tokens
    public func encode(tokenCount: Int) -> ByteBuffer? { ByteBuffer(string: "{\"input_tokens\":\(tokenCount)}") }
}
