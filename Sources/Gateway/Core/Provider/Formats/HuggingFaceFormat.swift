import GatewayWire
import NIOCore

/// Hugging Face's text generation (https://huggingface.github.io/text-generation-inference/): its clients reach only providers that speak it.
final class HuggingFaceFormat: ClientFormat {
    let name = ModelFormat.huggingface

    var isTranslated: Bool { false }

    /// The path says which of the vendor's operations it is: `/generate_stream`.
    func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        call.model = request.body.model
        call.asksStream = request.body.stream
        let path = String(buffer: request.path)
        for mark in ["/generate", "/v1/", "/models/"] {
            guard let start = path.firstRange(of: mark) else { continue }
            let action = path[start.lowerBound...]
            // A path that climbs could leave the operations of a model.
            guard !action.contains(".."), !action.contains("//"), !action.lowercased().contains("%2") else { throw ProviderFailure.unknownAction(action) }
            call.action = String(action)
            break
        }
        // It streams by another path.
        if call.action == "/generate_stream" { call.asksStream = true }
        return call
    }

    func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest {
        throw ProviderFailure("format_not_translated", status: 400, message: "requests of the format \(self.name.rawValue) are only served by providers that speak it")
    }

    func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { ByteBuffer() }

    func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { HuggingFaceStreamEncoder(self) }

    func encode(_ error: ProviderError) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("error", error.message)
        writer.endObject()
        return writer.buffer
    }
}

/// Only errors are written in this format.
private final class HuggingFaceStreamEncoder: ChatStreamEncoder {
    private let format: HuggingFaceFormat

    init(_ format: HuggingFaceFormat) { self.format = format }

    var contentType: StaticString { "text/event-stream" }

    func encode(_ event: ChatStreamEvent, into output: inout ByteBuffer) {
        guard case .failure(let error) = event else { return }
        output.writeStaticString("data: ")
        output.writeImmutableBuffer(self.format.encode(error))
        output.writeStaticString("\n\n")
    }
}
