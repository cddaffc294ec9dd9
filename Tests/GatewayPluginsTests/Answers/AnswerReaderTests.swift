import GatewayWire
import NIOCore
import Testing

@testable import GatewayPlugins

/// Where the texts of answers and of events stand, in every format a client may speak.
@Suite struct AnswerReaderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var json: String
        var event: String?
        /// `choice.part kind text` of texts that grow, `= kind text` of those that stand by themselves; `{}` behind what is JSON itself.
        var texts: [String] = []
        var ends: [AnswerTexts.End] = []
        var testDescription: String { self.json }
    }

    private static func read(_ json: String, event: String? = nil) throws -> AnswerTexts {
        AnswerReader.read(try JSONDocument(ByteBuffer(string: json)).root, event: event.map { ByteBuffer(string: $0) })
    }

    private static func shown(_ text: AnswerText) -> String {
        let kind = "\(text.line.kind) \(text.view.string ?? "?")\(text.isJSON ? " {}" : "")"
        return text.grows ? "\(text.line.choice).\(text.line.part) \(kind)" : "= \(kind)"
    }

    private static let events: [Case] = [
        // OpenAI's chat and completions, Mistral's blocks, DeepSeek's thoughts.
        Case(json: #"{"choices":[{"index":1,"delta":{"role":"assistant","content":"a"},"finish_reason":null}]}"#, texts: ["1.0 content a"]),
        Case(json: #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#, ends: [.choice(0)]),
        Case(json: #"{"choices":[{"index":0,"text":"a","finish_reason":"length"}]}"#, texts: ["0.0 content a"], ends: [.choice(0)]),
        Case(
            json: #"{"choices":[{"index":0,"delta":{"content":null,"refusal":"no","reasoning_content":"hm","tool_calls":[{"index":2,"function":{"name":"f","arguments":"{\"a"}}]}}]}"#,
            texts: ["0.0 refusal no", "0.0 reasoning hm", "0.2 arguments {\"a {}"]),
        Case(
            json: #"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]}}]}"#,
            texts: ["0.2 reasoning hm", "0.0 content a"]),
        // Anthropic.
        Case(json: #"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"a"}}"#, texts: ["0.3 content a"]),
        Case(json: #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x"}}"#, texts: ["0.1 arguments {\"x {}"]),
        Case(json: #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#, texts: ["0.0 reasoning hm"]),
        Case(json: #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#),
        Case(
            json: #"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"q","document_title":"t"}}}"#,
            texts: ["= content q"]),
        Case(json: #"{"type":"content_block_stop","index":3}"#, ends: [.part(choice: 0, part: 3)]),
        Case(json: #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#, ends: [.all]),
        Case(json: #"{"type":"message_start","message":{"id":"m","content":[],"model":"claude"}}"#),
        Case(json: #"{"type":"ping"}"#),
        // Gemini.
        Case(
            json: #"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"a"},{"functionCall":{"name":"f","args":{"city":"x","n":1,"l":["y"]}}}],"role":"model"},"finishReason":"STOP","index":0}]}"#,
            texts: ["0.0 reasoning hm", "0.0 content a", "= arguments x", "= arguments y"], ends: [.choice(0)]),
        // Bedrock.
        Case(json: #"{"contentBlockIndex":2,"delta":{"text":"a"},"p":"abcd"}"#, event: "contentBlockDelta", texts: ["0.2 content a"]),
        Case(json: #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"c"}}}"#, event: "contentBlockDelta", texts: ["0.2 arguments {\"c {}"]),
        Case(json: #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}}}"#, event: "contentBlockDelta", texts: ["0.0 reasoning hm"]),
        Case(json: #"{"contentBlockIndex":2,"p":"ab"}"#, event: "contentBlockStop", ends: [.part(choice: 0, part: 2)]),
        Case(json: #"{"stopReason":"end_turn"}"#, event: "messageStop", ends: [.all]),
        Case(json: #"{"outputText":"a","index":0,"completionReason":"FINISH"}"#, event: "chunk", texts: ["0.0 content a"], ends: [.all]),
        // Cohere.
        Case(json: #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"a"}}}}"#, texts: ["0.0 content a"]),
        Case(json: #"{"type":"tool-call-delta","index":1,"delta":{"message":{"tool_calls":{"function":{"arguments":"{"}}}}}"#, texts: ["0.1 arguments { {}"]),
        Case(json: #"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"I"}}}"#, texts: ["0.-1 reasoning I"]),
        Case(json: #"{"type":"citation-start","index":0,"delta":{"message":{"citations":{"start":0,"end":1,"text":"q","sources":[]}}}}"#, texts: ["= content q"]),
        Case(json: #"{"type":"content-end","index":1}"#, ends: [.part(choice: 0, part: 1)]),
        Case(json: #"{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}"#, ends: [.all]),
        // Ollama and Hugging Face.
        Case(json: #"{"model":"m","message":{"role":"assistant","content":"a","thinking":"hm"},"done":false}"#, texts: ["0.0 content a", "0.0 reasoning hm"]),
        Case(
            json: #"{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"city":"x"}}}]},"done":true}"#, texts: ["0.0 content ", "= arguments x"], ends: [.all]),
        Case(json: #"{"response":"a","done":false}"#, texts: ["0.0 content a"]),
        Case(json: #"{"index":1,"token":{"id":5,"text":"a"},"generated_text":null}"#, texts: ["0.0 content a"]),
        Case(json: #"{"token":{"text":"b"},"generated_text":"ab","details":null}"#, texts: ["0.0 content b", "= content ab"], ends: [.all]),
        // OpenAI's Responses.
        Case(json: #"{"type":"response.output_text.delta","output_index":1,"content_index":2,"delta":"a","logprobs":[]}"#, texts: ["1.2 content a"]),
        Case(json: #"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{"}"#, texts: ["1.0 arguments { {}"]),
        Case(json: #"{"type":"response.output_text.done","output_index":1,"content_index":2,"text":"ab"}"#, texts: ["= content ab"], ends: [.part(choice: 1, part: 2)]),
        Case(
            json: #"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","id":"i","content":[{"type":"output_text","text":"ab"}]}}"#, texts: ["= content ab"],
            ends: [.choice(1)]),
        Case(
            json: #"{"type":"response.completed","response":{"id":"r","output":[{"type":"function_call","name":"f","call_id":"c","arguments":"{}"}],"instructions":"be brief"}}"#,
            texts: ["= arguments {} {}"], ends: [.all]),
        Case(json: #"{"type":"response.output_audio.delta","delta":"UklGRg=="}"#),
    ]

    private static let documents: [Case] = [
        Case(json: #"{"choices":[{"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}"#, texts: ["0.0 content a"], ends: [.choice(0)]),
        Case(
            json: #"{"id":"m","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"city":"x"}}],"stop_reason":"tool_use"}"#,
            texts: ["= content a", "= arguments x"], ends: [.all]),
        Case(
            json: #"[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},{"candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}]"#,
            texts: ["0.0 content a", "0.0 content b"], ends: [.choice(0)]),
        Case(json: #"{"output":{"message":{"role":"assistant","content":[{"text":"a"},{"toolUse":{"name":"f","input":{"city":"x"}}}]}},"stopReason":"end_turn"}"#, texts: ["= content a", "= arguments x"]),
        Case(
            json: #"{"output":{"text":"a"},"citations":[{"generatedResponsePart":{"textResponsePart":{"text":"a"}},"retrievedReferences":[{"content":{"text":"b"},"location":{"type":"S3"}}]}]}"#,
            texts: ["= content a", "= content a", "= content b"]),
        Case(
            json: #"{"id":"r","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[]}]},{"type":"function_call","arguments":"{}"}]}"#,
            texts: ["= content a", "= arguments {} {}"]),
        Case(json: #"{"message":{"role":"assistant","content":[{"type":"text","text":"a"}],"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}"#, texts: ["= content a", "= arguments {} {}"]),
        Case(json: #"{"text":"a","generations":[{"text":"a"}],"finish_reason":"COMPLETE"}"#, texts: ["0.0 content a", "0.0 content a"], ends: [.all]),
        Case(json: #"[{"generated_text":"a"}]"#, texts: ["0.0 content a"]), Case(json: #"{"generation":"a"}"#, texts: ["0.0 content a"]),
        Case(json: #"{"results":[{"outputText":"a"}]}"#, texts: ["0.0 content a"]), Case(json: #"{"outputs":[{"text":"a"}]}"#, texts: ["0.0 content a"]),
        Case(json: #"{"predictions":[{"content":"a"}]}"#, texts: ["0.0 content a"]), Case(json: #"{"completions":[{"data":{"text":"a"}}]}"#, texts: ["0.0 content a"]),
        // A shape nobody foresaw is read as a message; vectors have no text.
        Case(json: #"{"parts":[{"text":"a"}]}"#, texts: ["= content a"]), Case(json: #"{"object":"list","data":[{"embedding":[0.1]}]}"#), Case(json: "[]"),
    ]

    @Test(arguments: Self.events + Self.documents) func `texts and their ends are found`(one: Case) throws {
        let found = try Self.read(one.json, event: one.event)
        #expect(found.texts.map(Self.shown) == one.texts)
        #expect(found.ends == one.ends)
    }

    @Test(arguments: [
        (#"{"choices":[{"message":{"content":"a"},"logprobs":{"content":[{"token":"a"}]}}]}"#, #"{"choices":[{"message":{"content":"a"},"logprobs":null}]}"#),
        (#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"logprobsResult":{"topCandidates":[]}}]}"#, #"{"candidates":[{"content":{"parts":[{"text":"a"}]},"logprobsResult":null}]}"#),
        (#"{"type":"response.output_text.delta","delta":"a","logprobs":[{"token":"a"}]}"#, #"{"type":"response.output_text.delta","delta":"a","logprobs":[]}"#),
        (#"{"response":"a","logprobs":[{"token":"a"}],"done":false}"#, #"{"response":"a","logprobs":null,"done":false}"#),
        (#"{"token":{"text":"a"},"top_tokens":[{"text":"b"}],"generated_text":null}"#, #"{"token":{"text":"a"},"top_tokens":[],"generated_text":null}"#),
        (#"[{"generated_text":"a","details":{"tokens":[{"text":"a"}]}}]"#, #"[{"generated_text":"a","details":null}]"#),
    ]) func `what spells a text out once more can be taken out`(json: String, expected: String) throws {
        var splice = JSONSplice(ByteBuffer(string: json))
        try Self.read(json).hideSpellings(&splice)
        #expect(String(buffer: splice.apply()) == expected)
    }

    @Test func `what is said aloud is the first choice's content`() throws {
        let json = #"{"choices":[{"index":0,"message":{"content":"a","reasoning_content":"hm","tool_calls":[{"function":{"arguments":"{}"}}]}},{"index":1,"message":{"content":"b"}}]}"#
        #expect(String(buffer: try Self.read(json).spoken) == "a")
        #expect(String(buffer: try Self.read(#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#).spoken) == "ab")
    }
}
