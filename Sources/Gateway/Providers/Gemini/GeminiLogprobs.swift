import GatewayCore
import GatewayWire
import NIOCore

/// Reads a candidate's `logprobsResult` (https://ai.google.dev/api/generate-content#LogprobsResult).
enum GeminiLogprobs {
    /// The same in OpenAI's shape; nil where the candidate has none.
    static func view(_ result: JSONView?) -> JSONView? {
        guard let result, let chosen = result["chosenCandidates"], chosen.kind == .array else { return nil }
        // Step by step beside the chosen ones.
        var steps = result["topCandidates"]?.elements
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        writer.key("content")
        writer.beginArray()
        for token in chosen.elements {
            writer.beginObject()
            self.token(token, &writer)
            writer.key("top_logprobs")
            writer.beginArray()
            if let alternatives = steps?.next()?["candidates"] {
                for alternative in alternatives.elements {
                    writer.beginObject()
                    self.token(alternative, &writer)
                    writer.endObject()
                }
            }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.key("refusal")
        writer.null()
        writer.endObject()
        return (try? JSONDocument(writer.buffer))?.root
    }

    private static func token(_ value: JSONView, _ writer: inout JSONWriter) {
        let text = ChatText(value["token"]) ?? ChatText("" as StaticString)
        writer.member("token", text)
        // JSON of protobuf leaves out what is 0.
        writer.member("logprob", ChatNumber(value["logProbability"]) ?? ChatNumber(0))
        writer.key("bytes")
        writer.beginArray()
        for byte in text.plain.readableBytesView { writer.number(Int(byte)) }
        writer.endArray()
    }
}
