import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

/// Gemini on both sides. Documents have the shapes of https://ai.google.dev/api/generate-content.
@Suite struct GeminiTests {
    // MARK: Requests to Gemini

    @Test func `a request of OpenAI's format becomes contents`() throws {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "gemini",
            #"""
            {"max_tokens":50,"temperature":0.5,"top_k":4,"stop":"a","n":2,"seed":1,"reasoning_effort":"low","response_format":{"type":"json_object"},"tool_choice":{"type":"function","function":{"name":"f"}},
             "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"string"}}}}},{"type":"function","function":{"name":"g","parameters":{}}}],
             "messages":[{"role":"system","content":"brief"},{"role":"user","content":[{"type":"text","text":"a\"b"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}},
                {"type":"image_url","image_url":{"url":"https://x.test/a.webp?q=1"}},{"type":"input_audio","input_audio":{"data":"QUJD","format":"mp3"}}]},
              {"role":"assistant","content":"ok","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":\"y\"}"},"extra_content":{"google":{"thought_signature":"sig"}}},
                {"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},
              {"role":"tool","tool_call_id":"c2","content":"plain \"text\""},{"role":"tool","tool_call_id":"c1","content":"{\"a\": 1}"}]}
            """#)
        let expected = try Translation.json(
            #"""
            {"systemInstruction":{"parts":[{"text":"brief"}]},
             "contents":[{"role":"user","parts":[{"text":"a\"b"},{"inlineData":{"mimeType":"image/png","data":"iVBO"}},{"fileData":{"mimeType":"image/webp","fileUri":"https://x.test/a.webp?q=1"}},
                {"inlineData":{"mimeType":"audio/mpeg","data":"QUJD"}}]},
              {"role":"model","parts":[{"text":"ok"},{"functionCall":{"name":"f","args":{"x":"y"}},"thoughtSignature":"sig"},{"functionCall":{"name":"g","args":{}}}]},
              {"role":"user","parts":[{"functionResponse":{"name":"g","response":{"output":"plain \"text\""}}},{"functionResponse":{"name":"f","response":{"a":1}}}]}],
             "tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object","properties":{"x":{"type":"string"}}}},{"name":"g"}]}],
             "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},
             "generationConfig":{"maxOutputTokens":50,"temperature":0.5,"topK":4,"seed":1,"candidateCount":2,"stopSequences":["a"],"responseMimeType":"application/json",
               "thinkingConfig":{"thinkingBudget":1024,"includeThoughts":true}}}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `what Gemini lacks is named`() throws {
        let (_, dropped) = try Translation.request(
            Translation.openAI, to: "gemini", #"{"logit_bias":{"1":1},"user":"u","parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"}]}"#)
        #expect(Set(dropped) == ["logit_bias", "user", "parallel_tool_calls"])
    }

    @Test func `a result without its call is the client's mistake`() throws {
        #expect(throws: ProviderFailure.self) {
            try Translation.request(Translation.openAI, to: "gemini", #"{"messages":[{"role":"tool","tool_call_id":"nobody","content":"x"}]}"#)
        }
    }

    // MARK: Places

    @Test func `the path names model and method`() throws {
        let adapter = try Translation.adapter("gemini")
        func place(_ change: (inout ProviderSettings) -> Void, _ operation: ModelOperation = .chat) throws -> String {
            var settings = ProviderSettings()
            settings.model = "gemini-x"
            change(&settings)
            let location = try adapter.locate(operation, settings)
            return "\(location.endpoint.host)\(location.path)" + (location.query.map { "?\($0)" } ?? "")
        }
        let base = "generativelanguage.googleapis.com/v1beta/models/gemini-x"
        #expect(try place { _ in } == "\(base):generateContent")
        #expect(try place { $0.isStream = true } == "\(base):streamGenerateContent?alt=sse")
        #expect(try place { ($0.isStream, $0.streamsArray) = (true, true) } == "\(base):streamGenerateContent")
        #expect(try place { $0.countsTokens = true } == "\(base):countTokens")
        #expect(try place({ _ in }, .embeddings) == "\(base):batchEmbedContents")
        #expect(try place { $0.upstreamURL = "http://in.test/" } == "in.test/v1beta/models/gemini-x:generateContent")
        #expect(try place { ($0.upstreamURL, $0.isStream) = ("http://in.test/m/a:generateContent", true) } == "in.test/m/a:streamGenerateContent?alt=sse")
        let vertex = { (settings: inout ProviderSettings) in
            (settings.geminiEndpoint, settings.geminiProject, settings.geminiLocation) = ("eu-aiplatform.googleapis.com", "p1", "eu")
        }
        #expect(try place(vertex) == "eu-aiplatform.googleapis.com/v1/projects/p1/locations/eu/publishers/google/models/gemini-x:generateContent")
        #expect(try place(vertex, .embeddings) == "eu-aiplatform.googleapis.com/v1/projects/p1/locations/eu/publishers/google/models/gemini-x:predict")
        for name in ["a b", "a?b", "a#b", "../b", ""] {
            #expect(throws: ProviderFailure.self, "\(name)") { try place { $0.model = name } }
        }
    }

    // MARK: Answers of Gemini

    private static let answer = #"""
        {"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"Hé "},{"text":"llo"},{"functionCall":{"name":"f","args":{"x":"Ł"}},"thoughtSignature":"sig"},
            {"inlineData":{"mimeType":"image/png","data":"AAAA"}}],"role":"model"},"finishReason":"STOP","index":0,"safetyRatings":[]}],
         "usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5,"totalTokenCount":17,"thoughtsTokenCount":3,"cachedContentTokenCount":4,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":2}]},
         "modelVersion":"gemini-x","responseId":"r-9"}
        """#

    @Test func `an answer becomes a completion`() throws {
        let json = try Translation.answer(Translation.openAI, from: "gemini", Self.answer)
        let message = try #require(json["choices"]?[0]?["message"])
        #expect(message["content"]?.stringValue == "Hé llo")
        #expect(message["reasoning_content"]?.stringValue == "hm")
        #expect(message["images"]?[0]?["image_url"]?["url"]?.stringValue == "data:image/png;base64,AAAA")
        let call = try #require(message["tool_calls"]?[0])
        #expect(call["id"]?.stringValue == "call_r1_0_0")
        #expect(call["function"]?["arguments"]?.stringValue == #"{"x":"Ł"}"#)
        #expect(call["extra_content"]?["google"]?["thought_signature"]?.stringValue == "sig")
        #expect(json["choices"]?[0]?["finish_reason"]?.stringValue == "tool_calls")
        #expect(json["id"]?.stringValue == "r-9" && json["model"]?.stringValue == "gemini-x")
        let usage = try #require(json["usage"])
        #expect(usage["prompt_tokens"]?.intValue == 9 && usage["completion_tokens"]?.intValue == 8 && usage["total_tokens"]?.intValue == 17)
        #expect(usage["completion_tokens_details"]?["reasoning_tokens"]?.intValue == 3)
        #expect(usage["prompt_tokens_details"]?["audio_tokens"]?.intValue == 2)
    }

    @Test func `a prompt that a filter stopped is an answer without content`() throws {
        let json = try Translation.answer(Translation.anthropic, from: "gemini", #"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}"#)
        #expect(json["stop_reason"]?.stringValue == "refusal")
        #expect(json["content"] == .array([]))
        #expect(throws: ProviderFailure.self) { try Translation.answer(Translation.openAI, from: "gemini", "{}") }
    }

    static let stream = """
        data: {"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"gemini-x","responseId":"r-9"}\r
        \r
        data: {"candidates":[{"content":{"parts":[{"text":"Grüß \\"G\\" "},{"text":"😀"}],"role":"model"},"index":0}],"modelVersion":"gemini-x","responseId":"r-9"}\r
        \r
        data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":"Ł"}}},{"functionCall":{"name":"g","args":{}}}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5,"totalTokenCount":14},"modelVersion":"gemini-x","responseId":"r-9"}\r
        \r

        """

    @Test func `a stream without an end marker is complete when each candidate is`() throws {
        let (text, facts, isWhole) = try Translation.stream(Translation.openAI, from: "gemini", Self.stream)
        let events = try Translation.events(text)
        let deltas = events.compactMap { $0["choices"]?[0]?["delta"] }
        #expect(deltas.compactMap { $0["content"]?.stringValue }.joined() == "Grüß \"G\" 😀")
        #expect(deltas.compactMap { $0["reasoning_content"]?.stringValue }.joined() == "hm")
        #expect(deltas.compactMap { $0["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue } == ["", #"{"x":"Ł"}"#, "", "{}"])
        #expect(events.compactMap { $0["choices"]?[0]?["finish_reason"]?.stringValue } == ["tool_calls"])
        #expect(events.last == .string("[DONE]"))
        #expect(isWhole && facts.usage.output == 5 && facts.finishReasons == ByteBuffer(string: "STOP"))
    }

    @Test func `streams read the same wherever their bytes are split`() throws {
        for format in [Translation.openAI, Translation.anthropic, Translation.gemini] as [any ClientFormat] {
            for (provider, stream) in [("gemini", Self.stream), ("anthropic", AnthropicProviderTests.stream), ("openai", OpenAIProviderTests.stream)] {
                let whole = try Translation.stream(format, from: provider, stream)
                for size in [1, 2, 3, 5, 7, 11, 64] { #expect(try Translation.stream(format, from: provider, stream, size: size).text == whole.text, "\(provider), pieces of \(size)") }
            }
        }
    }

    @Test func `errors of Google's shape are read, in a stream too`() throws {
        let body = #"{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12.5s"}]}}"#
        let adapter = try Translation.adapter("gemini")
        for text in [body, "[\(body)]"] {
            let error = adapter.readError(status: 429, body: ByteBuffer(string: text))
            #expect(error.message.string == "Quota" && error.retryAfterSeconds == 13 && error.failure == .rateLimited)
        }
        let (text, _, _) = try Translation.stream(Translation.anthropic, from: "gemini", "data: \(body)\n\n")
        #expect(text.contains(#"{"type":"error","error":{"type":"rate_limit_error","message":"Quota"}}"#))
    }

    @Test func `embeddings are asked for in one batch`() throws {
        var encoding = ChatEncoding(model: "e-1", isStream: false, settings: ProviderSettings())
        let adapter = try Translation.adapter("gemini")
        let request = try OpenAIEmbeddings.decode(try ModelRequestBody(ByteBuffer(string: #"{"input":["a","b"],"dimensions":3,"encoding_format":"base64"}"#), operation: .embeddings))
        #expect(request.wantsBase64)
        let json = try JSONValue(parsing: try adapter.encode(request, &encoding))
        #expect(json["requests"]?[1]?.meaning == (try Translation.json(#"{"model":"models/e-1","content":{"parts":[{"text":"b"}]},"outputDimensionality":3}"#)).meaning)
        let answer = try adapter.decodeEmbeddings(ByteBuffer(string: #"{"embeddings":[{"values":[0.5,-1]},{"values":[1,2]}]}"#))
        #expect(answer.vectors.map { String(buffer: $0.raw) } == ["[0.5,-1]", "[1,2]"])
    }

    // MARK: Clients of Gemini's format

    @Test func `a request of Gemini's format becomes messages`() throws {
        let (json, dropped) = try Translation.request(
            Translation.gemini, to: "openai",
            #"""
            {"systemInstruction":{"parts":[{"text":"brief"}],"role":"user"},"safetySettings":[],
             "generationConfig":{"maxOutputTokens":7,"temperature":0.5,"topP":0.9,"stopSequences":["s"],"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"type":{"type":"STRING"}}},
               "thinkingConfig":{"thinkingBudget":0}},
             "tools":[{"function_declarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"x":{"type":"ARRAY","items":{"type":"INTEGER"}}}}}]}],
             "toolConfig":{"functionCallingConfig":{"mode":"ANY"}},
             "contents":[{"role":"user","parts":[{"text":"hi"},{"inline_data":{"mime_type":"image/png","data":"iVBO"}}]},
               {"role":"model","parts":[{"functionCall":{"name":"f","args":{"x":[1]}}},{"functionCall":{"name":"f","args":{}}}]},
               {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"one"}}},{"functionResponse":{"name":"f","response":{"b":2}}},{"text":"so?"}]}]}
            """#)
        let expected = try Translation.json(
            #"""
            {"model":"model-1","max_completion_tokens":7,"temperature":0.5,"top_p":0.9,"stop":["s"],
             "response_format":{"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object","properties":{"type":{"type":"string"}}}}},
             "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"array","items":{"type":"integer"}}}}}}],"tool_choice":"required",
             "messages":[{"role":"system","content":"brief"},
               {"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]},
               {"role":"assistant","tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{\"x\":[1]}"}},{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},
               {"role":"tool","tool_call_id":"call_0","content":"one"},{"role":"tool","tool_call_id":"call_1","content":"{\"b\":2}"},
               {"role":"user","content":"so?"}]}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped == ["safetySettings"])
    }

    @Test func `model and method are read from the path`() throws {
        func call(_ path: String, _ query: String? = nil) throws -> ClientCall {
            let body = try ModelRequestBody(ByteBuffer(string: "{}"), operation: .chat, format: .gemini)
            return try Translation.gemini.call(ClientRequest(body: body, path: ByteBuffer(string: path), query: query.map { ByteBuffer(string: $0) }))
        }
        let plain = try call("/x/v1beta/models/gemini-2:generateContent", "key=1")
        #expect(plain.model == "gemini-2" && plain.asksStream == false && !plain.streamsArray)
        let events = try call("/v1beta/models/gemini-2:streamGenerateContent", "key=1&alt=sse")
        #expect(events.asksStream == true && !events.streamsArray)
        #expect(try call("/v1beta/models/gemini-2:streamGenerateContent").streamsArray)
        #expect(try call("/v1beta/models/gemini-2:countTokens").kind == .countTokens)
        let embedding = try call("/v1beta/models/embedding-1:batchEmbedContents")
        #expect(embedding.kind == .other && embedding.action == "batchEmbedContents" && embedding.model == "embedding-1" && !embedding.usesTokens)
        #expect(try call("/anything").model == nil)
        #expect(throws: ProviderFailure.self) { try call("/v1beta/models/gemini-2:deleteEverything") }
    }

    @Test func `a stream for a client of Gemini's format has calls whole and reasons last`() throws {
        let (text, _, _) = try Translation.stream(Translation.gemini, from: "openai", OpenAIProviderTests.stream)
        let events = try Translation.events(text)
        let parts = events.flatMap { event -> [JSONValue] in if case .array(let parts)? = event["candidates"]?[0]?["content"]?["parts"] { parts } else { [] } }
        #expect(parts.filter { $0["thought"] == nil }.compactMap { $0["text"]?.stringValue }.joined() == "Grüß \"Gott\" 😀")
        #expect(parts.filter { $0["thought"] == .bool(true) }.compactMap { $0["text"]?.stringValue } == ["hm"])
        #expect(parts.compactMap { $0["functionCall"]?["name"]?.stringValue } == ["f", "g"])
        #expect(parts.compactMap { $0["functionCall"]?["args"]?.meaning } == [try Translation.json(#"{"a":1}"#), try Translation.json("{}")])
        #expect(events.last?["candidates"]?[0]?["finishReason"]?.stringValue == "STOP")
        #expect(events.last?["usageMetadata"]?["totalTokenCount"]?.intValue == 13)
        #expect(events.dropLast().allSatisfy { $0["candidates"]?[0]?["finishReason"] == nil })
    }

    @Test func `a stream as an array is one JSON text`() throws {
        let adapter = try Translation.adapter("openai")
        var context = Translation.context(stream: true)
        context.streamsArray = true
        let translator = ChatStreamTranslator(framing: .serverSentEvents, decoder: adapter.makeStreamDecoder(), encoder: Translation.gemini.makeStreamEncoder(context))
        try translator.feed(ByteBuffer(string: OpenAIProviderTests.stream))
        #expect(translator.finish())
        guard case .array(let elements) = try JSONValue(parsing: translator.takeOutput()) else {
            Issue.record("is no array")
            return
        }
        #expect(elements.count == 6)
    }

    @Test func `an answer for a client of Gemini's format`() throws {
        let json = try Translation.answer(
            Translation.gemini, from: "anthropic",
            #"{"id":"m","model":"c","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"x"},{"type":"tool_use","id":"i","name":"f","input":{"a":1}}],"stop_reason":"max_tokens","usage":{"input_tokens":1,"output_tokens":2}}"#)
        let expected = try Translation.json(
            #"""
            {"candidates":[{"index":0,"finishReason":"MAX_TOKENS","content":{"role":"model","parts":[{"text":"t","thought":true,"thoughtSignature":"s"},{"text":"x"},{"functionCall":{"id":"i","name":"f","args":{"a":1}}}]}}],
             "usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3},"modelVersion":"c","responseId":"m"}
            """#)
        #expect(json.meaning == expected.meaning)
    }

    @Test func `options of the configuration go into generationConfig of a native request`() throws {
        var edits = ModelRequestEdits()
        edits.options.maximumTokens = 5
        edits.options.topK = 2
        let adapter = try Translation.adapter("gemini")
        for (text, expected) in [
            (#"{"contents":[]}"#, #"{"contents":[],"generationConfig":{"maxOutputTokens":5,"topK":2}}"#),
            (#"{"contents":[],"generationConfig":{"topK":9,"seed":1}}"#, #"{"contents":[],"generationConfig":{"topK":2,"seed":1,"maxOutputTokens":5}}"#),
        ] {
            let body = try ModelRequestBody(ByteBuffer(string: text), operation: .chat, format: .gemini)
            #expect(String(buffer: try adapter.encode(body, edits)) == expected)
        }
    }
}
