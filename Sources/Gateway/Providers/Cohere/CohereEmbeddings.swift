import GatewayCore
import GatewayWire
import NIOCore

/// Embeddings by Cohere (https://docs.cohere.com/reference/embed), and what an answer of embedding or reranking says of its tokens.
enum CohereEmbeddings {
    static func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("model")
        writer.string(encoding.model)
        writer.key("input_type")
        // What the client says goes before the configuration.
        if let own = request.extras.first(where: { $0.key == "input_type" }), let text = ChatText(own.value) {
            writer.string(text)
        } else {
            writer.string(encoding.settings.cohereInputType)
        }
        writer.key("embedding_types")
        writer.beginArray()
        writer.string("float" as StaticString)
        writer.endArray()
        writer.key("texts")
        writer.beginArray()
        for input in request.inputs {
            guard case .text(let text) = input else {
                throw ProviderFailure("unsupported_input", status: 400, message: "\"input\" must be text: the provider of this model takes no token numbers", parameter: "input")
            }
            writer.string(text)
        }
        writer.endArray()
        writer.member("output_dimension", request.dimensions)
        for extra in request.extras {
            switch extra.key {
            case "input_type": continue
            case "truncate":
                writer.key(extra.key)
                writer.raw(extra.value)
            default: try encoding.drop([extra])
            }
        }
        try encoding.drop("user", if: request.user != nil)
        writer.endObject()
        return writer.buffer
    }

    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer {
        guard let document = try? JSONDocument(bytes), let embeddings = document["embeddings"] else { throw AnswerFailure.unreadable("cohere") }
        var answer = EmbeddingAnswer()
        let found = embeddings.kind == .array ? embeddings : embeddings["float"]
        guard let vectors = found, vectors.kind == .array else { throw AnswerFailure.unreadable("cohere") }
        answer.vectors = vectors.elements.map { $0 }
        answer.usage = document["meta"].map { CohereAnswerDecoder.usage($0) }
        return answer
    }
}

/// Reads answers of Cohere that go to a client of the same format as they are: chat, embeddings and reranking, versions 1 and 2.
final class CohereResponseReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()
    private(set) var hasFailed = false

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        // Only the ends of a stream say more than content.
        guard data.count > 16, CohereResponseReader.mayTell(data), let document = try? JSONDocument(ByteBuffer(bytes: data)) else { return .pass }
        if let type = document["type"] {
            if type.equals("message-start") { self.facts.id = document["id"]?.text }
            if type.equals("message-end"), let delta = document["delta"] {
                self.facts.isComplete = true
                self.facts.finishReasons = delta["finish_reason"]?.text
                if let usage = delta["usage"] { self.facts.usage = CohereAnswerDecoder.usage(usage).evidence }
                self.hasFailed = delta["finish_reason"]?.equals("ERROR") == true || delta["error"]?.kind == .string
            }
        } else if document["event_type"]?.equals("stream-end") == true, let response = document["response"] {
            self.facts.isComplete = true
            self.facts.finishReasons = document["finish_reason"]?.text
            if let meta = response["meta"] { self.facts.usage = CohereAnswerDecoder.usage(meta).evidence }
        }
        return .pass
    }

    func document(_ bytes: ByteBuffer) {
        guard let document = try? JSONDocument(bytes), document.result.root.kind == .object else { return }
        self.facts.isComplete = true
        self.facts.id = document["id"]?.text ?? document["generation_id"]?.text
        self.facts.finishReasons = document["finish_reason"]?.text
        if let usage = document["usage"] ?? document["meta"] { self.facts.usage = CohereAnswerDecoder.usage(usage).evidence }
    }

    private static func mayTell(_ data: UnsafeRawBufferPointer) -> Bool {
        let head = UnsafeRawBufferPointer(rebasing: data[..<min(data.count, 48)])
        for i in 0..<(head.count - 8) where head[i] == UInt8(ascii: "m") || head[i] == UInt8(ascii: "s") {
            let rest = UnsafeRawBufferPointer(rebasing: head[i..<(i + 8)])
            if rest.isText("message-") || rest.isText("stream-e") { return true }
        }
        return false
    }
}
