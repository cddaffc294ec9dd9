import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

/// Clients of other formats on models behind Converse. Documents have the shapes of https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
@Suite struct BedrockProviderTests {
    // MARK: Requests

    @Test func `a conversation becomes content blocks beside its system text`() throws {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "bedrock", model: "anthropic.claude-3-haiku-20240307-v1:0",
            #"""
            {"max_tokens":50,"temperature":0.5,"top_p":0.9,"top_k":4,"stop":["a","b"],"messages":[
              {"role":"system","content":"Be \"brief\"."},
              {"role":"user","content":[{"type":"text","text":"Look:"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,iVBO"}}]},
              {"role":"assistant","content":"I see"},
              {"role":"user","content":"a\nb é 😀"}]}
            """#)
        let expected = try Translation.json(
            #"""
            {"system":[{"text":"Be \"brief\"."}],"messages":[
              {"role":"user","content":[{"text":"Look:"},{"image":{"format":"jpeg","source":{"bytes":"iVBO"}}}]},
              {"role":"assistant","content":[{"text":"I see"}]},
              {"role":"user","content":[{"text":"a\nb é 😀"}]}],
             "inferenceConfig":{"maxTokens":50,"temperature":0.5,"topP":0.9,"stopSequences":["a","b"]},"additionalModelRequestFields":{"top_k":4}}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `results of parallel calls and the text after them share one turn`() throws {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "bedrock",
            #"""
            {"tools":[{"type":"function","function":{"name":"w","description":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],
             "tool_choice":{"type":"function","function":{"name":"w"}},
             "messages":[{"role":"user","content":"weather?"},
              {"role":"assistant","content":null,"tool_calls":[
                {"id":"c1","type":"function","function":{"name":"w","arguments":"{\"city\": \"Łódź\"}"}},
                {"id":"c2","type":"function","function":{"name":"w","arguments":""}}]},
              {"role":"tool","tool_call_id":"c1","content":"sunny"},
              {"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"rain"}]},
              {"role":"user","content":"thanks"}]}
            """#)
        let expected = try Translation.json(
            #"""
            {"messages":[{"role":"user","content":[{"text":"weather?"}]},
             {"role":"assistant","content":[{"toolUse":{"toolUseId":"c1","name":"w","input":{"city":"Łódź"}}},{"toolUse":{"toolUseId":"c2","name":"w","input":{}}}]},
             {"role":"user","content":[{"toolResult":{"toolUseId":"c1","content":[{"text":"sunny"}]}},{"toolResult":{"toolUseId":"c2","content":[{"text":"rain"}]}},{"text":"thanks"}]}],
             "toolConfig":{"tools":[{"toolSpec":{"name":"w","description":"weather","inputSchema":{"json":{"type":"object","properties":{"city":{"type":"string"}}}}}}],"toolChoice":{"tool":{"name":"w"}}}}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `guardrails caching schemas and thinking have their places`() throws {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "bedrock", model: "us.anthropic.claude-sonnet-4-20250514-v1:0",
            #"""
            {"max_completion_tokens":9000,"reasoning_effort":"medium","service_tier":"flex",
             "guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled"},
             "messages":[{"role":"user","content":[{"type":"text","text":"long","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"x"}]}],
             "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}
            """#)
        #expect(json["guardrailConfig"]?.meaning == (try Translation.json(#"{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled"}"#)).meaning)
        #expect(json["additionalModelRequestFields"]?.meaning == (try Translation.json(#"{"thinking":{"type":"enabled","budget_tokens":8192}}"#)).meaning)
        #expect(json["messages"]?[0]?["content"]?.meaning == (try Translation.json(#"[{"text":"long"},{"cachePoint":{"type":"default","ttl":"1h"}},{"text":"x"}]"#)).meaning)
        #expect(json["outputConfig"]?.meaning == (try Translation.json(#"{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"name":"n","schema":"{\"type\":\"object\"}"}}}}"#)).meaning)
        #expect(json["serviceTier"]?.meaning == (try Translation.json(#"{"type":"flex"}"#)).meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `what Converse lacks is left out and named, or refused`() throws {
        let text = #"{"n":2,"seed":1,"top_k":3,"presence_penalty":0.5,"frequency_penalty":0,"store":true,"temperature":1.5,"messages":[{"role":"user","content":"x"}]}"#
        let (json, dropped) = try Translation.request(Translation.openAI, to: "bedrock", model: "meta.llama3-8b-instruct-v1:0", text)
        #expect(Set(dropped) == ["n", "seed", "top_k", "presence_penalty", "store", "temperature above 1"])
        #expect(json["inferenceConfig"]?["temperature"]?.intValue == 1)
        do {
            _ = try Translation.request(Translation.openAI, to: "bedrock", model: "m", policy: .error, text)
            Issue.record("was translated")
        } catch let failure as ProviderFailure { #expect(failure.status == 400) }
    }

    @Test func `an image that would have to be fetched is refused by name`() throws {
        let text = #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/a.png"}}]}]}"#
        let failure = #expect(throws: ProviderFailure.self) { try Translation.request(Translation.openAI, to: "bedrock", text) }
        #expect(failure?.parameter == "messages[].content[].image_url")
    }

    // MARK: Answers

    private static let answer = #"""
        {"output":{"message":{"role":"assistant","content":[
          {"reasoningContent":{"reasoningText":{"text":"hm\n","signature":"sig"}}},
          {"text":"Hello \"world\" 😀"},{"toolUse":{"toolUseId":"t1","name":"w","input":{"city": "Łódź"}}}]}},
         "stopReason":"tool_use","usage":{"inputTokens":10,"outputTokens":7,"totalTokens":22,"cacheReadInputTokens":3,"cacheWriteInputTokens":2,"cacheDetails":[{"ttl":"1h","inputTokens":1},{"ttl":"5m","inputTokens":1}]},"metrics":{"latencyMs":9}}
        """#

    @Test func `an answer keeps thoughts calls and counts`() throws {
        let json = try Translation.answer(Translation.openAI, from: "bedrock", Self.answer)
        let message = json["choices"]?[0]?["message"]
        #expect(json["choices"]?[0]?["finish_reason"]?.stringValue == "tool_calls")
        #expect(message?["content"]?.stringValue == "Hello \"world\" 😀")
        #expect(message?["reasoning_content"]?.stringValue == "hm\n")
        #expect(message?["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue == "{\"city\": \"Łódź\"}")
        #expect(json["usage"]?["prompt_tokens"]?.intValue == 15)
        #expect(json["usage"]?["completion_tokens"]?.intValue == 7)
        #expect(json["usage"]?["prompt_tokens_details"]?["cached_tokens"]?.intValue == 3)
    }

    @Test func `a client of Converse gets the same back`() throws {
        let answer = try Translation.adapter("bedrock").decode(ByteBuffer(string: Self.answer))
        let json = try JSONValue(parsing: BedrockFormat().encode(answer, Translation.context()))
        #expect(json.meaning == (try Translation.json(Self.answer)).meaning)
    }

    @Test(arguments: [("end_turn", "stop"), ("max_tokens", "length"), ("stop_sequence", "stop"), ("guardrail_intervened", "content_filter"), ("content_filtered", "content_filter")])
    func `stop reasons are OpenAI's`(reason: String, expected: String) throws {
        let json = try Translation.answer(
            Translation.openAI, from: "bedrock",
            #"{"output":{"message":{"role":"assistant","content":[{"text":"x"}]}},"stopReason":"\#(reason)","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#)
        #expect(json["choices"]?[0]?["finish_reason"]?.stringValue == expected)
    }

    @Test(arguments: [(400, 400), (403, 403), (424, 502), (429, 429), (503, 503)])
    func `errors keep their message`(status: Int, shown: Int) throws {
        let error = try Translation.adapter("bedrock").readError(status: status, body: ByteBuffer(string: "{\"message\":\"no \\\"luck\\\"\"}"))
        #expect(error.status == shown)
        #expect(error.message.string == "no \"luck\"")
        #expect(error.type != nil || status == 418)
    }

    // MARK: Streams

    private static func message(_ name: StaticString, _ json: String, _ output: inout ByteBuffer) {
        EventStreamWriter.event(name, payload: ByteBuffer(string: json), into: &output)
    }

    private static func stream() -> ByteBuffer {
        var bytes = ByteBuffer()
        self.message("messageStart", #"{"p":"abc","role":"assistant"}"#, &bytes)
        self.message("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}},"p":"a"}"#, &bytes)
        self.message("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"sig"}}}"#, &bytes)
        self.message("contentBlockStop", #"{"contentBlockIndex":0}"#, &bytes)
        self.message("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"text":"Hello "}}"#, &bytes)
        self.message("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"text":"\"Łódź\" 😀"}}"#, &bytes)
        self.message("contentBlockStop", #"{"contentBlockIndex":1}"#, &bytes)
        self.message("contentBlockStart", #"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t1","name":"w"}}}"#, &bytes)
        self.message("contentBlockDelta", #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"city\""}}}"#, &bytes)
        self.message("contentBlockDelta", #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":": \"x\"}"}}}"#, &bytes)
        self.message("contentBlockStop", #"{"contentBlockIndex":2}"#, &bytes)
        self.message("messageStop", #"{"stopReason":"tool_use"}"#, &bytes)
        self.message("metadata", #"{"usage":{"inputTokens":5,"outputTokens":6,"totalTokens":11},"metrics":{"latencyMs":3}}"#, &bytes)
        return bytes
    }

    /// A stream as the client gets it, fed in two pieces.
    private static func translate(_ format: any ClientFormat, _ stream: ByteBuffer, cut: Int) throws -> (output: ByteBuffer, translator: ChatStreamTranslator) {
        let adapter = try Translation.adapter("bedrock")
        let translator = ChatStreamTranslator(
            framing: adapter.streamFraming, decoder: adapter.makeStreamDecoder(), encoder: format.makeStreamEncoder(Translation.context(stream: true, usage: true)))
        var output = ByteBuffer()
        var rest = stream
        for length in [cut, stream.readableBytes - cut] {
            try translator.feed(rest.readSlice(length: length) ?? ByteBuffer())
            output.writeImmutableBuffer(translator.takeOutput())
        }
        return (output, translator)
    }

    @Test func `a stream becomes chunks, wherever its bytes are cut`() throws {
        let stream = Self.stream()
        let (whole, translator) = try Self.translate(Translation.openAI, stream, cut: 0)
        #expect(translator.finish())
        #expect(translator.facts.usage.input == 5 && translator.facts.usage.output == 6)
        let events = try Translation.events(String(buffer: whole))
        #expect(events.last == .string("[DONE]"))
        let deltas = events.compactMap { $0["choices"]?[0]?["delta"] }
        #expect(deltas.compactMap { $0["content"]?.stringValue }.joined() == "Hello \"Łódź\" 😀")
        #expect(deltas.compactMap { $0["reasoning_content"]?.stringValue }.joined() == "hm")
        #expect(deltas.compactMap { $0["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue }.joined() == "{\"city\": \"x\"}")
        #expect(events.compactMap { $0["choices"]?[0]?["finish_reason"]?.stringValue } == ["tool_calls"])
        for cut in 1..<stream.readableBytes { #expect(try Self.translate(Translation.openAI, stream, cut: cut).output == whole, "cut at \(cut)") }
    }

    @Test func `a streamed call without parameters has an empty object as its arguments`() throws {
        var bytes = ByteBuffer()
        Self.message("messageStart", #"{"role":"assistant"}"#, &bytes)
        for index in 0...1 {
            Self.message("contentBlockStart", #"{"contentBlockIndex":\#(index),"start":{"toolUse":{"toolUseId":"t\#(index)","name":"now"}}}"#, &bytes)
            if index == 1 { Self.message("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"toolUse":{"input":""}}}"#, &bytes) }
            Self.message("contentBlockStop", #"{"contentBlockIndex":\#(index)}"#, &bytes)
        }
        Self.message("messageStop", #"{"stopReason":"tool_use"}"#, &bytes)
        let (output, _) = try Self.translate(Translation.openAI, bytes, cut: 0)
        let calls = try Translation.events(String(buffer: output)).compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
        for index in 0...1 { #expect(calls.filter { $0["index"]?.intValue == index }.compactMap { $0["function"]?["arguments"]?.stringValue }.joined() == "{}") }
    }

    @Test func `a client of Converse gets a stream in AWS's framing`() throws {
        let (output, _) = try Self.translate(BedrockFormat(), Self.stream(), cut: 10)
        var framer = EventStreamFramer()
        framer.feed(output)
        var names: [String] = []
        while let message = try framer.next() { names.append(String(buffer: message.name)) }
        try framer.finish()
        #expect(
            names == [
                "messageStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "contentBlockStart",
                "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata",
            ])
    }

    @Test func `an exception in the middle is an error the client can read`() throws {
        var bytes = ByteBuffer()
        Self.message("messageStart", #"{"role":"assistant"}"#, &bytes)
        EventStreamWriter.exception("throttlingException", payload: ByteBuffer(string: #"{"message":"slow down"}"#), into: &bytes)
        let (output, translator) = try Self.translate(Translation.openAI, bytes, cut: 3)
        #expect(translator.failure?.failure == .rateLimited)
        #expect(String(buffer: output).contains("slow down"))
    }

    @Test func `a stream that breaks off is not complete, one with wrong checksums is unreadable`() throws {
        let stream = Self.stream()
        let (_, translator) = try Self.translate(Translation.openAI, stream.getSlice(at: 0, length: stream.readableBytes - 200) ?? ByteBuffer(), cut: 5)
        #expect(!translator.finish())
        var broken = stream
        broken.setInteger(UInt8(0x41), at: 40)
        #expect(throws: ProviderFailure.self) { try Self.translate(Translation.openAI, broken, cut: 0) }
    }

    // MARK: Clients of Converse

    @Test func `a request of Converse reaches another vendor whole`() throws {
        let body = #"""
            {"system":[{"text":"be brief"}],"inferenceConfig":{"maxTokens":9,"temperature":0.1,"stopSequences":["x"]},
             "toolConfig":{"tools":[{"toolSpec":{"name":"w","inputSchema":{"json":{"type":"object"}}}}],"toolChoice":{"any":{}}},
             "messages":[{"role":"user","content":[{"text":"hi"},{"image":{"format":"png","source":{"bytes":"iVBO"}}}]},
               {"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"w","input":{"a":1}}}]},
               {"role":"user","content":[{"toolResult":{"toolUseId":"t","content":[{"json":{"b":2}}],"status":"success"}}]}]}
            """#
        let (json, dropped) = try Translation.request(BedrockFormat(), to: "openai", body)
        let messages = json["messages"]
        #expect(messages?[0]?["role"]?.stringValue == "system")
        #expect(messages?[1]?["content"]?[1]?["image_url"]?["url"]?.stringValue == "data:image/png;base64,iVBO")
        #expect(messages?[2]?["tool_calls"]?[0]?["function"]?["name"]?.stringValue == "w")
        #expect(messages?[3]?["role"]?.stringValue == "tool")
        #expect(messages?[3]?["tool_call_id"]?.stringValue == "t")
        #expect(json["tool_choice"]?.stringValue == "required")
        #expect(json["stop"]?[0]?.stringValue == "x")
        #expect(dropped.isEmpty)
    }

    @Test(arguments: [
        ("/model/anthropic.claude-v2%3A1/converse", "anthropic.claude-v2:1", BedrockTarget.Action.converse), ("/bedrock/model/m/converse-stream", "m", .converseStream),
        ("/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fp/invoke", "arn:aws:bedrock:us-east-1:1:inference-profile/p", .invoke),
    ])
    func `a path names the model and what is asked`(path: String, model: String, action: BedrockTarget.Action) {
        let target = BedrockTarget(ByteBuffer(string: path))
        #expect(target?.model == model)
        #expect(target?.action == action)
    }

    @Test(arguments: ["/", "/model/m", "/model/m/other", "/m/converse", "/model/%zz/converse", "/model/%f/converse"])
    func `other paths are none`(path: String) { #expect(BedrockTarget(ByteBuffer(string: path)) == nil) }

    @Test func `the address is the region's, with model and stream in the path`() throws {
        var settings = ProviderSettings()
        settings.awsRegion = "eu-west-1"
        settings.model = "anthropic.claude-v2:1"
        let adapter = try Translation.adapter("bedrock")
        let plain = try adapter.locate(.chat, settings)
        #expect(plain.endpoint.origin == "https://bedrock-runtime.eu-west-1.amazonaws.com")
        #expect(plain.path == "/model/anthropic.claude-v2%3A1/converse")
        settings.isStream = true
        #expect(try adapter.locate(.chat, settings).path == "/model/anthropic.claude-v2%3A1/converse-stream")
        settings.awsRegion = nil
        #expect(throws: ProviderFailure.self) { try adapter.locate(.chat, settings) }
    }

    @Test(arguments: [
        ("/rerank", #"{"rerankingConfiguration":{"bedrockRerankingConfiguration":{"modelConfiguration":{"modelArn":"arn:aws:bedrock:us-west-2::foundation-model/cohere.rerank-v3-5:0"}}}}"#, "cohere.rerank-v3-5:0"),
        ("/x/retrieveAndGenerate", #"{"retrieveAndGenerateConfiguration":{"knowledgeBaseConfiguration":{"knowledgeBaseId":"K","modelArn":"anthropic.claude-v2:1"}}}"#, "anthropic.claude-v2:1"),
        ("/retrieveAndGenerateStream", #"{"input":{"text":"x"}}"#, "default"),
    ])
    func `operations of the agents' runtime go to its host`(path: String, body: String, model: String) throws {
        let request = ClientRequest(body: try ModelRequestBody(ByteBuffer(string: body), operation: .chat, format: .bedrock), path: ByteBuffer(string: path))
        let call = try ClientFormats.bedrock.call(request)
        #expect(call.kind == .other && call.model == model && !call.usesTokens)
        #expect(call.asksStream == path.hasSuffix("Stream"))
        var settings = ProviderSettings()
        settings.awsRegion = "cn-north-1"
        settings.model = model
        settings.action = call.action
        let location = try Translation.adapter("bedrock").locate(.chat, settings)
        #expect(location.endpoint.origin == "https://bedrock-agent-runtime.cn-north-1.amazonaws.com.cn")
        #expect(location.path == "/" + path.split(separator: "/").last!)
    }

    // MARK: Untranslated

    @Test func `counts of untranslated answers are read, Converse's and others'`() throws {
        for (text, input, output) in [
            (Self.answer, 15, 7), (#"{"usage":{"input_tokens":4,"output_tokens":2},"stop_reason":"end_turn"}"#, 4, 2),
            (#"{"generation":"x","prompt_token_count":3,"generation_token_count":8}"#, 3, 8), (#"{"inputTextTokenCount":6,"results":[{"tokenCount":9}]}"#, 6, 9),
        ] {
            let reader = try Translation.adapter("bedrock").makeReader(hidesUsage: false)
            reader.document(ByteBuffer(string: text))
            #expect(reader.facts.usage.input == Int64(input) && reader.facts.usage.output == Int64(output), "\(text)")
        }
        let reader = try Translation.adapter("bedrock").makeReader(hidesUsage: false)
        // {"amazon-bedrock-invocationMetrics":{"inputTokenCount":7,"outputTokenCount":5}}
        let chunk = #"{"bytes":"eyJhbWF6b24tYmVkcm9jay1pbnZvY2F0aW9uTWV0cmljcyI6eyJpbnB1dFRva2VuQ291bnQiOjcsIm91dHB1dFRva2VuQ291bnQiOjV9fQ==","p":"a"}"#
        _ = ByteBuffer(string: chunk).withUnsafeReadableBytes { reader.event($0) }
        #expect(reader.facts.usage.input == 7 && reader.facts.usage.output == 5)
    }
}

/// Embeddings, which every maker of models has a format of its own for.
@Suite struct BedrockEmbeddingTests {
    private static func encode(_ model: String, _ texts: [String], _ settings: ProviderSettings = ProviderSettings()) throws -> JSONValue {
        var request = EmbeddingRequest(origin: .openai)
        request.inputs = texts.map { .text(ChatText($0)) }
        request.dimensions = ChatNumber(256)
        var encoding = ChatEncoding(model: model, isStream: false, settings: settings)
        return try JSONValue(parsing: try Translation.adapter("bedrock").encode(request, &encoding))
    }

    @Test func `Titan takes one text, Cohere several`() throws {
        var settings = ProviderSettings()
        settings.bedrockNormalizesEmbeddings = true
        let titan = try Self.encode("amazon.titan-embed-text-v2:0", ["a"], settings)
        #expect(titan.meaning == (try Translation.json(#"{"inputText":"a","dimensions":256,"normalize":true}"#)).meaning)
        #expect(throws: ProviderFailure.self) { try Self.encode("amazon.titan-embed-text-v2:0", ["a", "b"]) }
        let cohere = try Self.encode("cohere.embed-v4:0", ["a", "b"])
        #expect(cohere.meaning == (try Translation.json(#"{"texts":["a","b"],"input_type":"classification","output_dimension":256}"#)).meaning)
    }

    @Test func `both answers are read`() throws {
        let adapter = try Translation.adapter("bedrock")
        let titan = try adapter.decodeEmbeddings(ByteBuffer(string: #"{"embedding":[0.5],"inputTextTokenCount":3}"#))
        #expect(titan.vectors.count == 1 && titan.usage?.input == 3)
        #expect(try adapter.decodeEmbeddings(ByteBuffer(string: #"{"id":"x","embeddings":[[0.1],[0.2]],"texts":["a","b"]}"#)).vectors.count == 2)
        #expect(throws: ProviderFailure.self) { try adapter.decodeEmbeddings(ByteBuffer(string: "{}")) }
    }
}
