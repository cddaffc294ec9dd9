import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Probabilities of tokens, for clients of OpenAI's format.
@Suite struct LogprobsTests {
    private static func adapter(_ provider: String) throws -> any TranslatingAdapter {
        try #require(ProviderCatalog.directory.adapter(provider, variant: provider == "ollama" ? "ollama" : nil) as? any TranslatingAdapter)
    }

    private static func answer(_ provider: String, _ text: String) throws -> JSONValue? {
        let answer = try self.adapter(provider).decode(ByteBuffer(string: text))
        return try JSONValue(parsing: Translation.openAI.encode(answer, Translation.context()))["choices"]?[0]?["logprobs"]
    }

    @Test func `Gemini's become OpenAI's`() throws {
        let logprobs = try Self.answer(
            "gemini",
            #"""
            {"candidates":[{"content":{"parts":[{"text":"é!"}]},"finishReason":"STOP","logprobsResult":{
              "chosenCandidates":[{"token":"é","tokenId":7,"logProbability":-0.25},{"token":"!"}],
              "topCandidates":[{"candidates":[{"token":"é","logProbability":-0.25},{"token":"a","logProbability":-1.5}]},{}]}}]}
            """#)
        let expected = try Translation.json(
            #"""
            {"content":[{"token":"é","logprob":-0.25,"bytes":[195,169],"top_logprobs":[{"token":"é","logprob":-0.25,"bytes":[195,169]},{"token":"a","logprob":-1.5,"bytes":[97]}]},
              {"token":"!","logprob":0,"bytes":[33],"top_logprobs":[]}]}
            """#)
        #expect(logprobs?.meaning == expected.meaning)
    }

    @Test func `Cohere's and Ollama's do too`() throws {
        let cohere = try Self.answer(
            "cohere",
            #"{"message":{"content":[{"type":"text","text":"ab"}]},"finish_reason":"COMPLETE","logprobs":[{"token_ids":[1],"text":"a","logprobs":[-0.5]},{"token_ids":[2,3],"text":"b","logprobs":[-1,-0.5]}]}"#)
        let expected = try Translation.json(#"{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]},{"token":"b","logprob":-1.5,"bytes":[98],"top_logprobs":[]}]}"#)
        #expect(cohere?.meaning == expected.meaning)
        let tokens = #"[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}]"#
        let ollama = try Self.answer("ollama", #"{"message":{"content":"a"},"done":true,"done_reason":"stop","logprobs":\#(tokens)}"#)
        #expect(ollama?["content"]?.meaning == (try Translation.json(tokens)).meaning)
        #expect(try Self.answer("ollama", #"{"message":{"content":"a"},"done":true,"done_reason":"stop"}"#) == .null)
    }

    @Test(arguments: ["gemini", "cohere", "ollama"])
    func `they are asked for where the answer can have them, else named`(provider: String) throws {
        let text = #"{"logprobs":true,"messages":[{"role":"user","content":"x"}]}"#
        for (stream, dropped) in [(false, []), (true, ["logprobs"])] as [(Bool, [String])] {
            var encoding = ChatEncoding(model: "m", isStream: stream, settings: ProviderSettings())
            let json = try JSONValue(parsing: try Self.adapter(provider).encode(try Translation.decode(Translation.openAI, text), &encoding))
            let asked = provider == "gemini" ? json["generationConfig"]?["responseLogprobs"] : json["logprobs"]
            #expect(asked == (stream ? nil : .bool(true)))
            #expect(encoding.dropped == dropped)
        }
    }
}
