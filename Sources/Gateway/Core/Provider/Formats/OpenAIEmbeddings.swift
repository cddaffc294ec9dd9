import GatewayWire
import NIOCore

/// Embeddings in OpenAI's format (https://platform.openai.com/docs/api-reference/embeddings), the only format clients ask for them in.
public enum OpenAIEmbeddings {
    public static func decode(_ body: ModelRequestBody) throws(ProviderFailure) -> EmbeddingRequest {
        var request = EmbeddingRequest(origin: .openai)
        for (key, value) in body.document.root.members where !value.isNull {
            let key = key.string ?? ""
            switch key {
            case "model": request.model = ChatText(value)
            case "input": request.inputs = try self.inputs(value)
            case "dimensions": request.dimensions = try OpenAIRequestDecoder.number(value, key)
            case "encoding_format": request.wantsBase64 = value.equals("base64")
            case "user": request.user = ChatText(value)
            default: request.extras.append(ChatExtra(key, value))
            }
        }
        return request
    }

    private static func inputs(_ value: JSONView) throws(ProviderFailure) -> [EmbeddingInput] {
        if let text = ChatText(value) { return [.text(text)] }
        guard value.kind == .array else { throw OpenAIRequestDecoder.invalid("input", "must be a text, a list of texts or tokens") }
        var inputs: [EmbeddingInput] = []
        for element in value.elements {
            if let text = ChatText(element) {
                inputs.append(.text(text))
            } else if element.kind == .array {
                inputs.append(.tokens(element))
            } else if element.kind == .number {
                // One list of tokens is one input.
                return [.tokens(value)]
            } else {
                throw OpenAIRequestDecoder.invalid("input", "must be a text, a list of texts or tokens")
            }
        }
        return inputs
    }

    static func encode(_ answer: EmbeddingAnswer, _ context: AnswerContext) -> ByteBuffer {
        var writer = JSONWriter(capacity: 4_096)
        writer.beginObject()
        writer.member("object", text: "list")
        writer.key("data")
        writer.beginArray()
        for (index, vector) in answer.vectors.enumerated() {
            writer.beginObject()
            writer.member("object", text: "embedding")
            writer.member("index", index)
            writer.key("embedding")
            if context.wantsBase64, vector.kind == .array { writer.base64(vector) } else { writer.raw(vector) }
            writer.endObject()
        }
        writer.endArray()
        writer.key("model")
        if let model = answer.model { writer.string(model) } else { writer.string(context.model) }
        writer.key("usage")
        writer.beginObject()
        writer.member("prompt_tokens", answer.usage?.input ?? 0)
        writer.member("total_tokens", answer.usage?.total ?? 0)
        writer.endObject()
        writer.endObject()
        return writer.buffer
    }
}

extension JSONWriter {
    /// Numbers as base64 of little-endian 32-bit floats, as OpenAI's SDKs ask for them.
    fileprivate mutating func base64(_ vector: JSONView) {
        var bytes = ByteBufferAllocator().buffer(capacity: 4_096)
        for element in vector.elements { bytes.writeInteger(Float(element.double ?? 0).bitPattern, endianness: .little) }
        self.string(ChatText(plain: Base64.encode(bytes)))
    }
}
