import GatewayCore
import GatewayWire

/// Reads a candidate's `logprobsResult` (https://ai.google.dev/api/generate-content#LogprobsResult).
enum GeminiLogprobs {
    /// The same in OpenAI's shape; nil where the candidate has none.
    static func view(_ result: JSONView?) -> JSONView? {
        guard let result, let chosen = result["chosenCandidates"], chosen.kind == .array else { return nil }
        // Step by step beside the chosen ones.
        var steps = result["topCandidates"]?.elements
        var logprobs = OpenAILogprobs()
        for token in chosen.elements {
            let alternatives = steps?.next()?["candidates"]?.elements.map { (text: ChatText($0["token"]), logprob: self.logprob($0)) } ?? []
            logprobs.add(ChatText(token["token"]), self.logprob(token), alternatives: alternatives)
        }
        return logprobs.finish()
    }

    /// JSON of protobuf leaves out what is 0.
    private static func logprob(_ token: JSONView) -> ChatNumber { ChatNumber(token["logProbability"]) ?? ChatNumber(0) }
}
