import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

/// Clients of OpenAI's format on models of Cohere. Documents have the shapes of https://docs.cohere.com/reference/chat and …/chat-stream.
@Suite struct CohereProviderTests {
    @Test func `a conversation with tools keeps its turns`() throws {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "cohere",
            #"""
            {"max_tokens":9,"temperature":0.3,"top_p":0.5,"top_k":7,"stop":"x","seed":3,"frequency_penalty":0.5,"tool_choice":"required","messages":[
              {"role":"developer","content":"brief"},{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]},
              {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{\"a\":1}"}}]},
              {"role":"tool","tool_call_id":"c","content":"sunny"}],
             "tools":[{"type":"function","function":{"name":"w","parameters":{"type":"object"},"strict":true}}],
             "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},"safety_mode":"NONE"}
            """#)
        let expected = try Translation.json(
            #"""
            {"model":"model-1","stream":false,"messages":[{"role":"system","content":"brief"},
              {"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]},
              {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{\"a\":1}"}}]},
              {"role":"tool","tool_call_id":"c","content":"sunny"}],
             "tools":[{"type":"function","function":{"name":"w","parameters":{"type":"object"}}}],"strict_tools":true,"tool_choice":"REQUIRED",
             "max_tokens":9,"temperature":0.3,"p":0.5,"k":7,"seed":3,"frequency_penalty":0.5,"stop_sequences":["x"],
             "response_format":{"type":"json_object","json_schema":{"type":"object"}},"safety_mode":"NONE"}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `what Cohere lacks is left out and named`() throws {
        let (_, dropped) = try Translation.request(
            Translation.openAI, to: "cohere", #"{"n":2,"presence_penalty":-1,"logit_bias":{"1":1},"messages":[{"role":"user","content":"x","name":"u"}]}"#)
        #expect(Set(dropped) == ["n", "presence_penalty outside 0 to 1", "logit_bias", "messages[].name"])
    }

    @Test func `an answer keeps its plan calls and billed counts`() throws {
        let json = try Translation.answer(
            Translation.openAI, from: "cohere",
            #"""
            {"id":"i","finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_plan":"I will look","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hi 😀"}],
              "tool_calls":[{"id":"t","type":"function","function":{"name":"w","arguments":"{\"c\":\"Łódź\"}"}}]},
             "usage":{"billed_units":{"input_tokens":5.0,"output_tokens":6},"tokens":{"input_tokens":70,"output_tokens":6}}}
            """#)
        let message = json["choices"]?[0]?["message"]
        #expect(json["id"]?.stringValue == "i")
        #expect(message?["content"]?.stringValue == "Hi 😀")
        #expect(message?["reasoning_content"]?.stringValue == "I will lookhm")
        #expect(message?["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue == "{\"c\":\"Łódź\"}")
        #expect(json["choices"]?[0]?["finish_reason"]?.stringValue == "tool_calls")
        #expect(json["usage"]?["prompt_tokens"]?.intValue == 5)
    }

    private static let stream = [
        #"{"id":"s1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
        #"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"plan"}}}"#,
        #"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
        #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"Hello "}}}}"#,
        #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"\"Łódź\" 😀"}}}}"#,
        #"{"type":"content-end","index":0}"#,
        #"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"t","type":"function","function":{"name":"w","arguments":""}}}}}"#,
        #"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{\"a\""}}}}}"#,
        #"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":":1}"}}}}}"#,
        #"{"type":"tool-call-end","index":0}"#,
        #"{"id":"s1","type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":3,"output_tokens":4},"tokens":{"input_tokens":9,"output_tokens":4}}}}"#,
    ].map { "event: x\ndata: \($0)\n\n" }.joined()

    @Test func `a stream becomes chunks, wherever its bytes are cut`() throws {
        let whole = try Translation.stream(Translation.openAI, from: "cohere", Self.stream)
        #expect(whole.isWhole)
        #expect(whole.facts.usage.input == 3 && whole.facts.usage.output == 4)
        let events = try Translation.events(whole.text)
        let deltas = events.compactMap { $0["choices"]?[0]?["delta"] }
        #expect(deltas.compactMap { $0["content"]?.stringValue }.joined() == "Hello \"Łódź\" 😀")
        #expect(deltas.compactMap { $0["reasoning_content"]?.stringValue }.joined() == "plan")
        #expect(deltas.compactMap { $0["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue }.joined() == "{\"a\":1}")
        #expect(events.last == .string("[DONE]"))
        for size in [1, 2, 3, 7, 50] { #expect(try Translation.stream(Translation.openAI, from: "cohere", Self.stream, size: size).text == whole.text) }
    }

    @Test func `a stream that breaks off is not complete, an error at its end is told`() throws {
        #expect(try !Translation.stream(Translation.openAI, from: "cohere", String(Self.stream.prefix(400))).isWhole)
        let failed = #"data: {"type":"message-end","delta":{"finish_reason":"ERROR","error":"model is down"}}"# + "\n\n"
        #expect(try Translation.stream(Translation.openAI, from: "cohere", failed).text.contains("model is down"))
    }

    @Test func `embeddings carry their purpose and come back in order`() throws {
        let adapter = try Translation.adapter("cohere")
        var request = EmbeddingRequest(origin: .openai)
        request.inputs = [.text(ChatText("a")), .text(ChatText("b"))]
        request.dimensions = ChatNumber(256)
        var settings = ProviderSettings()
        settings.cohereInputType = "search_query"
        var encoding = ChatEncoding(model: "embed-v4.0", isStream: false, settings: settings)
        let json = try JSONValue(parsing: try adapter.encode(request, &encoding))
        let expected = try Translation.json(#"{"model":"embed-v4.0","input_type":"search_query","embedding_types":["float"],"texts":["a","b"],"output_dimension":256}"#)
        #expect(json.meaning == expected.meaning)
        let answer = try adapter.decodeEmbeddings(ByteBuffer(string: #"{"id":"i","embeddings":{"float":[[0.1],[0.2]]},"meta":{"billed_units":{"input_tokens":2}}}"#))
        #expect(answer.vectors.map { String(buffer: $0.raw) } == ["[0.1]", "[0.2]"])
        #expect(answer.usage?.input == 2)
    }

    @Test func `untranslated answers tell their counts, of reranking too`() throws {
        for (text, input) in [(#"{"id":"r","results":[],"meta":{"billed_units":{"search_units":1}}}"#, 0), (#"{"text":"x","meta":{"billed_units":{"input_tokens":4,"output_tokens":1}}}"#, 4)] {
            let reader = try Translation.adapter("cohere").makeReader(hidesUsage: false)
            reader.document(ByteBuffer(string: text))
            #expect(reader.facts.usage.input == Int64(input))
        }
        let reader = try Translation.adapter("cohere").makeReader(hidesUsage: false)
        for line in Self.stream.split(separator: "\n").filter({ $0.hasPrefix("data: ") }) {
            _ = ByteBuffer(string: String(line.dropFirst(6))).withUnsafeReadableBytes { reader.event($0) }
        }
        #expect(reader.facts.usage.output == 4 && reader.facts.isComplete)
    }
}

/// Clients of OpenAI's format on Ollama's own API (https://github.com/ollama/ollama/blob/main/docs/api.md), and on a model that takes one text.
@Suite struct OllamaProviderTests {
    private static let ollama = OllamaProvider("ollama")

    private static func request(_ adapter: any TranslatingAdapter, stream: Bool = false, _ json: String) throws -> (json: JSONValue, dropped: [String]) {
        var encoding = ChatEncoding(model: "llama3.2", isStream: stream, settings: ProviderSettings())
        return (try JSONValue(parsing: try adapter.encode(try Translation.decode(Translation.openAI, json), &encoding)), encoding.dropped)
    }

    @Test func `options and tools have their places, results their tool's name`() throws {
        let (json, dropped) = try Self.request(
            Self.ollama,
            #"""
            {"max_tokens":9,"temperature":0,"stop":["x"],"seed":4,"reasoning_effort":"low","options":{"num_ctx":8192},"keep_alive":"5m","messages":[
              {"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]},
              {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{\"a\":1}"}}]},
              {"role":"tool","tool_call_id":"c","content":"sunny"}],"tools":[{"type":"function","function":{"name":"w","parameters":{"type":"object"}}}],
             "response_format":{"type":"json_object"}}
            """#)
        let expected = try Translation.json(
            #"""
            {"model":"llama3.2","stream":false,"messages":[{"role":"user","content":"a","images":["iVBO"]},
              {"role":"assistant","content":"","tool_calls":[{"id":"c","function":{"name":"w","arguments":{"a":1}}}]},
              {"role":"tool","tool_name":"w","tool_call_id":"c","content":"sunny"}],
             "tools":[{"type":"function","function":{"name":"w","parameters":{"type":"object"}}}],
             "options":{"num_ctx":8192,"num_predict":9,"temperature":0,"seed":4,"stop":["x"]},"format":"json","think":"low","keep_alive":"5m"}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `a stream of lines becomes chunks, wherever it is cut`() throws {
        let stream = [
            #"{"model":"llama3.2","created_at":"x","message":{"role":"assistant","content":"Hello "},"done":false}"#,
            #"{"model":"llama3.2","message":{"role":"assistant","content":"\"Łódź\" 😀"},"done":false}"#,
            #"{"model":"llama3.2","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"w","arguments":{"a": 1}}}]},"done":false}"#,
            #"{"model":"llama3.2","message":{"role":"assistant","content":""},"done_reason":"stop","done":true,"prompt_eval_count":5,"eval_count":6}"#,
        ].map { $0 + "\n" }.joined()
        func translate(_ size: Int) throws -> (String, ChatStreamTranslator) {
            let translator = ChatStreamTranslator(
                framing: Self.ollama.streamFraming, decoder: Self.ollama.makeStreamDecoder(), encoder: Translation.openAI.makeStreamEncoder(Translation.context(stream: true, usage: true)))
            var rest = ByteBuffer(string: stream)
            var output = ByteBuffer()
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                try translator.feed(piece)
                output.writeImmutableBuffer(translator.takeOutput())
            }
            return (String(buffer: output), translator)
        }
        let (whole, translator) = try translate(.max)
        #expect(translator.finish())
        #expect(translator.facts.usage.input == 5 && translator.facts.usage.output == 6)
        let events = try Translation.events(whole)
        let deltas = events.compactMap { $0["choices"]?[0]?["delta"] }
        #expect(deltas.compactMap { $0["content"]?.stringValue }.joined() == "Hello \"Łódź\" 😀")
        #expect(deltas.compactMap { $0["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue }.joined() == "{\"a\": 1}")
        #expect(events.compactMap { $0["choices"]?[0]?["finish_reason"]?.stringValue } == ["tool_calls"])
        for size in [1, 5, 64] { #expect(try translate(size).0 == whole) }
    }

    @Test func `an answer keeps thoughts and calls`() throws {
        let answer = try Self.ollama.decode(
            ByteBuffer(
                string: #"""
                    {"model":"q","message":{"role":"assistant","content":"Hi","thinking":"hm","tool_calls":[{"function":{"name":"w","arguments":{"a":1}}}]},"done":true,"done_reason":"stop","prompt_eval_count":1,"eval_count":2}
                    """#))
        let json = try JSONValue(parsing: Translation.openAI.encode(answer, Translation.context()))
        #expect(json["choices"]?[0]?["message"]?["reasoning_content"]?.stringValue == "hm")
        #expect(json["choices"]?[0]?["finish_reason"]?.stringValue == "tool_calls")
        #expect(json["usage"]?["total_tokens"]?.intValue == 3)
    }

    @Test func `embeddings go to their own endpoint`() throws {
        var settings = ProviderSettings()
        settings.upstreamURL = "http://127.0.0.1:11434"
        #expect(try Self.ollama.locate(.embeddings, settings).path == "/api/embed")
        #expect(try Self.ollama.locate(.chat, settings).path == "/api/chat")
        let answer = try Self.ollama.decodeEmbeddings(ByteBuffer(string: #"{"model":"m","embeddings":[[1,2],[3,4]],"prompt_eval_count":8}"#))
        #expect(answer.vectors.count == 2 && answer.usage?.input == 8)
    }

    @Test func `a raw Llama gets one text with its marks`() throws {
        let raw = LlamaRawProvider()
        let (json, dropped) = try Self.request(
            raw, #"{"max_tokens":5,"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q1"},{"role":"assistant","content":"A1"},{"role":"user","content":"Q2"}]}"#)
        #expect(json["inputs"]?.stringValue == "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nQ1 [/INST] A1 </s><s>[INST] Q2 [/INST]")
        #expect(json["parameters"]?["max_new_tokens"]?.intValue == 5)
        #expect(dropped.isEmpty)
        #expect(throws: ProviderFailure.self) { try Self.request(raw, stream: true, #"{"messages":[{"role":"user","content":"x"}]}"#) }
        for text in [#"[{"generated_text":"yes"}]"#, #"{"generated_text":"yes"}"#, #"{"data":[{"generated_text":"yes"}]}"#] {
            let answer = try raw.decode(ByteBuffer(string: text))
            #expect(try JSONValue(parsing: Translation.openAI.encode(answer, Translation.context()))["choices"]?[0]?["message"]?["content"]?.stringValue == "yes")
        }
    }
}
