import GatewayWire
import NIOCore

/// The formats clients speak, one shared instance each.
public enum ClientFormats {
    public static let openAI: any ClientFormat = OpenAIFormat()
    public static let anthropic: any ClientFormat = AnthropicFormat()
    public static let gemini: any ClientFormat = GeminiFormat()

    /// Formats without a translation of their own are served only where the provider speaks them too; then the format is what their errors look like.
    public static func format(_ name: ModelFormat) -> any ClientFormat {
        switch name {
        case .openai: self.openAI
        case .anthropic: self.anthropic
        case .gemini: self.gemini
        case .bedrock, .cohere, .huggingface: self.native[name] ?? self.openAI
        }
    }

    private static let native: [ModelFormat: any ClientFormat] = Dictionary(
        uniqueKeysWithValues: [ModelFormat.bedrock, .cohere, .huggingface].map { ($0, NativeFormat($0)) })
}

/// A format whose clients reach only providers that speak it.
final class NativeFormat: ClientFormat {
    let name: ModelFormat

    init(_ name: ModelFormat) { self.name = name }

    var isTranslated: Bool { false }

    func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest {
        throw ProviderFailure("format_not_translated", status: 400, message: "requests of the format \(self.name.rawValue) are only served by providers that speak it")
    }

    func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { ByteBuffer() }

    func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { NativeStreamEncoder(self) }

    /// Bedrock, Cohere and Hugging Face tell an error by a `message` or `error` at the top.
    func encode(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member(self.name == .huggingface ? "error" : "message", error.message)
        writer.endObject()
        return writer.buffer
    }
}

/// Only errors are written in such a format.
private final class NativeStreamEncoder: ChatStreamEncoder {
    private let format: NativeFormat

    init(_ format: NativeFormat) { self.format = format }

    var contentType: StaticString { "text/event-stream" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        guard case .failure(let error) = event else { return }
        output.writeStaticString("data: ")
        output.writeImmutableBuffer(self.format.encode(error))
        output.writeStaticString("\n\n")
    }
}
