public import NIOCore

/// OpenAI's API as clients speak it: chat completions, completions (as a chat of one message) and embeddings.
///
/// Besides OpenAI's own members it reads those that its SDKs' users send to other vendors through it: `top_k`, `thinking`, `reasoning`, `cache_control`,
/// `reasoning_content`, `thinking_blocks`, `safety_settings`. Reference: https://platform.openai.com/docs/api-reference/chat/create.
public final class OpenAIFormat: ClientFormat {
    public let name = ModelFormat.openai

    public init() {}

    public func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest {
        try OpenAIRequestDecoder.decode(request.body)
    }

    public func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer {
        context.operation == .completions ? OpenAIAnswerEncoder.completion(answer, context) : OpenAIAnswerEncoder.chat(answer, context)
    }

    public func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { OpenAIStreamEncoder(context) }

    public func encode(_ error: ProviderError) -> ByteBuffer { OpenAIAnswerEncoder.error(error) }
}
