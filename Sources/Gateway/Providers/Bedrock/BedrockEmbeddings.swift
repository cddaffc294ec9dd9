import GatewayCore
import GatewayWire
import NIOCore

/// Embeddings by InvokeModel: Bedrock has no common format for them, so the model's maker counts.
///
/// Titan: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html; Cohere: …/model-parameters-embed.html.
enum BedrockEmbeddings {
    static func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        var texts: [ChatText] = []
        for input in request.inputs {
            guard case .text(let text) = input else {
                throw ProviderFailure("unsupported_input", status: 400, message: "\"input\" must be text: the provider of this model takes no token numbers", parameter: "input")
            }
            texts.append(text)
        }
        try encoding.drop("user", if: request.user != nil)
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        if BedrockFamily(encoding.model) == .cohere {
            writer.key("texts")
            writer.beginArray()
            for text in texts { writer.string(text) }
            writer.endArray()
            writer.key("input_type")
            if let own = request.extras.first(where: { $0.key == "input_type" }), let text = ChatText(own.value) {
                writer.string(text)
            } else {
                writer.string(encoding.settings.cohereInputType)
            }
            writer.member("output_dimension", request.dimensions)
            try encoding.drop(request.extras.filter { $0.key != "input_type" })
        } else {
            guard texts.count == 1 else {
                throw ProviderFailure("unsupported_input", status: 400, message: "\"input\" must be one text: the provider of this model embeds one at a time", parameter: "input")
            }
            writer.member("inputText", texts[0])
            writer.member("dimensions", request.dimensions)
            writer.member("normalize", encoding.settings.bedrockNormalizesEmbeddings ? true : nil)
            try encoding.drop(request.extras)
        }
        writer.endObject()
        return writer.buffer
    }

    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer {
        guard let document = try? JSONDocument(bytes) else { throw AnswerFailure.unreadable("bedrock") }
        guard let vector = document["embedding"], vector.kind == .array else { return try CohereEmbeddings.decode(bytes) }
        var answer = EmbeddingAnswer()
        answer.vectors = [vector]
        var usage = ChatUsage()
        usage.input = document["inputTextTokenCount"]?.int ?? 0
        answer.usage = usage
        return answer
    }
}
