import GatewayWire
import NIOCore

/// The formats clients speak, one shared instance each.
public enum ClientFormats {
    public static let openAI: any ClientFormat = OpenAIFormat()
    public static let anthropic: any ClientFormat = AnthropicFormat()
    public static let gemini: any ClientFormat = GeminiFormat()
    public static let bedrock: any ClientFormat = BedrockFormat()

    /// Formats without a translation of their own are served only where the provider speaks them too; then the format is what their errors look like.
    public static func format(_ name: ModelFormat) -> any ClientFormat {
        switch name {
        case .openai: self.openAI
        case .anthropic: self.anthropic
        case .gemini: self.gemini
        case .bedrock: self.bedrock
        case .cohere, .huggingface: self.native[name] ?? self.openAI
        }
    }

    private static let native: [ModelFormat: any ClientFormat] = Dictionary(
        uniqueKeysWithValues: [ModelFormat.cohere, .huggingface].map { ($0, NativeFormat($0)) })
}

/// A format whose clients reach only providers that speak it.
final class NativeFormat: ClientFormat {
    let name: ModelFormat

    init(_ name: ModelFormat) { self.name = name }

    var isTranslated: Bool { false }

    /// The path says which of the vendor's operations it is: `/v2/rerank`, `/generate_stream`.
    func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        call.model = request.body.model
        call.asksStream = request.body.stream
        let path = String(buffer: request.path)
        for mark in self.name == .cohere ? ["/v2/", "/v1/"] : ["/generate", "/v1/", "/models/"] {
            guard let start = path.firstRange(of: mark) else { continue }
            call.action = String(path[start.lowerBound...])
            break
        }
        // Text Generation Inference streams by another path.
        if self.name == .huggingface, call.action == "/generate_stream" { call.asksStream = true }
        return call
    }

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
