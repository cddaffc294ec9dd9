import GatewayCore
import GatewayWire
import NIOCore

/// Embeddings of the Gemini API (https://ai.google.dev/api/embeddings) and of Vertex AI
/// (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api).
enum GeminiEmbeddings {
    static func isVertex(_ settings: ProviderSettings) -> Bool { settings.geminiEndpoint != nil }

    static func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer {
        let isVertex = self.isVertex(encoding.settings)
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key(isVertex ? "instances" : "requests")
        writer.beginArray()
        for input in request.inputs {
            guard case .text(let text) = input else {
                throw ProviderFailure("unsupported_field", status: 400, message: "\"input\" must be texts: the provider of this model takes no tokens", parameter: "input")
            }
            writer.beginObject()
            if isVertex { writer.member("content", text) } else { self.content(text, request, encoding.model, &writer) }
            writer.endObject()
        }
        writer.endArray()
        if isVertex, let dimensions = request.dimensions {
            writer.key("parameters")
            writer.beginObject()
            writer.member("outputDimensionality", dimensions)
            writer.endObject()
        }
        writer.endObject()
        try encoding.drop("user", if: request.user != nil)
        try encoding.drop(request.extras)
        return writer.buffer
    }

    private static func content(_ text: ChatText, _ request: EmbeddingRequest, _ model: String, _ writer: inout JSONWriter) {
        writer.key("model")
        writer.string("models/\(model)")
        writer.key("content")
        writer.beginObject()
        writer.key("parts")
        writer.beginArray()
        writer.beginObject()
        writer.member("text", text)
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.member("outputDimensionality", request.dimensions)
    }

    static func decode(_ bytes: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer {
        guard let document = try? JSONDocument(bytes), let list = document["embeddings"] ?? document["predictions"] else { throw AnswerFailure.unreadable("gemini") }
        var answer = EmbeddingAnswer()
        var tokens = 0
        for element in list.elements {
            let embedding = element["embeddings"] ?? element
            guard let values = embedding["values"] else { throw AnswerFailure.unreadable("gemini") }
            answer.vectors.append(values)
            tokens += embedding["statistics"]?["token_count"]?.tokens ?? 0
        }
        // Only Vertex counts.
        if tokens > 0 {
            var usage = ChatUsage()
            usage.input = tokens
            answer.usage = usage
        }
        return answer
    }
}
