import GatewayWire
public import NIOCore

/// Anthropic's Messages API as clients speak it (https://docs.anthropic.com/en/api/messages).
public final class AnthropicFormat: ClientFormat {
    public let name = ModelFormat.anthropic

    public init() {}

    public func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest { try AnthropicRequestDecoder.decode(request.body.document.root) }

    public func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { AnthropicAnswerEncoder.message(answer, context) }

    public func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { AnthropicStreamEncoder(context) }

    public func encode(_ error: ProviderError) -> ByteBuffer { AnthropicAnswerEncoder.error(error) }
}
