import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Clients of Ollama's format. Documents have the shapes of https://docs.ollama.com/api/chat.
@Suite struct OllamaFormatTests {
    @Test func `a request becomes one of OpenAI's`() throws {
        let (json, dropped) = try Translation.request(
            Translation.ollama, to: "openai", stream: true,
            #"""
            {"model":"m","keep_alive":"5m","think":"high","format":{"type":"object"},"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
             "options":{"num_predict":50,"temperature":0.5,"top_p":0.9,"seed":1,"stop":["a","b"],"num_ctx":4096,"presence_penalty":0.1},
             "messages":[{"role":"system","content":"brief"},{"role":"user","content":"a\"b","images":["/9j/4AAQ","iVBORw0"]},
              {"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"x":1}}},{"function":{"name":"g","arguments":{}}}]},
              {"role":"tool","tool_name":"g","content":"wind"},{"role":"tool","tool_name":"f","content":"rain"}]}
            """#)
        let messages = json["messages"]
        #expect(messages?[0]?["content"]?.stringValue == "brief")
        #expect(messages?[1]?["content"]?[1]?["image_url"]?["url"]?.stringValue == "data:image/jpeg;base64,/9j/4AAQ")
        #expect(messages?[1]?["content"]?[2]?["image_url"]?["url"]?.stringValue == "data:image/png;base64,iVBORw0")
        let calls = messages?[2]?["tool_calls"]
        #expect(calls?[0]?["function"]?["arguments"]?.stringValue == #"{"x":1}"#)
        #expect(messages?[3]?["tool_call_id"] == calls?[1]?["id"] && messages?[3]?["content"]?.stringValue == "wind")
        #expect(messages?[4]?["tool_call_id"] == calls?[0]?["id"])
        #expect(json["response_format"]?["type"]?.stringValue == "json_schema")
        #expect(json["reasoning_effort"]?.stringValue == "high")
        #expect(json["stop"]?[1]?.stringValue == "b" && json["seed"]?.intValue == 1 && json["top_p"]?.doubleValue == 0.9)
        #expect(json["stream_options"]?["include_usage"] == .bool(true))
        #expect(dropped == ["messages[].content[].thinking", "options.num_ctx"])
    }

    @Test(arguments: [
        #"{"messages":[]}"#, #"{"prompt":"x"}"#, #"{"messages":[{"role":"model","content":"x"}]}"#, #"{"messages":[{"content":"x"}]}"#,
        #"{"messages":[{"role":"user","content":"x"}],"options":{"temperature":"hot"}}"#, #"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#,
    ])
    func `what cannot be read is refused with the member's name`(json: String) throws {
        let failure = #expect(throws: ProviderFailure.self) { try Translation.decode(Translation.ollama, json) }
        #expect(failure?.status == 400 && failure?.parameter != nil)
    }

    @Test(arguments: [
        ("/api/chat", "{}", nil, true, true), ("/team/api/chat", #"{"stream":false}"#, nil, false, true), ("/api/generate", "{}", "/api/generate", true, true),
        ("/api/embed", "{}", "/api/embed", false, false),
    ] as [(String, String, String?, Bool, Bool)])
    func `an answer is streamed unless the client says otherwise`(path: String, body: String, action: String?, streams: Bool, usesTokens: Bool) throws {
        let call = try Translation.ollama.call(ClientRequest(body: try ModelRequestBody(ByteBuffer(string: body), operation: .chat), path: ByteBuffer(string: path)))
        #expect(call.action == action && call.asksStream == streams && call.usesTokens == usesTokens)
    }

    @Test(arguments: ["/api/pull", "/api/create", "/api/delete", "/api/../admin", "/api/chat/x"])
    func `models are not managed through the gateway`(path: String) throws {
        let request = ClientRequest(body: try ModelRequestBody(ByteBuffer(string: "{}"), operation: .chat), path: ByteBuffer(string: path))
        #expect(throws: ProviderFailure.self) { try Translation.ollama.call(request) }
    }

    @Test(arguments: [("/tgi/generate", "/generate"), ("/models/a/b", "/models/a/b"), ("/models/../../admin", nil), ("/v1/%2e%2e/admin", nil)])
    func `Hugging Face's paths do not climb`(path: String, action: String?) throws {
        let request = ClientRequest(body: try ModelRequestBody(ByteBuffer(string: "{}"), operation: .chat), path: ByteBuffer(string: path))
        #expect((try? ClientFormats.huggingFace.call(request))?.action == action)
    }

    @Test func `an answer has the message and counts of Ollama's`() throws {
        let json = try Translation.answer(
            Translation.ollama, from: "anthropic",
            #"""
            {"id":"m1","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Hé"},{"type":"tool_use","id":"t1","name":"f","input":{"x":"Ł"}}],"stop_reason":"tool_use",
             "usage":{"input_tokens":5,"output_tokens":3}}
            """#)
        let expected = try Translation.json(
            #"""
            {"model":"asked","created_at":"2023-11-14T22:13:20.000Z","message":{"role":"assistant","content":"Hé","thinking":"hm","tool_calls":[{"id":"t1","function":{"name":"f","arguments":{"x":"Ł"}}}]},
             "done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":3}
            """#)
        #expect(json.meaning == expected.meaning)
    }

    @Test(arguments: [1, 7, 64, Int.max])
    func `a stream is a line an event, however it arrives`(size: Int) throws {
        let (text, _, isWhole) = try Translation.stream(Translation.ollama, from: "gemini", GeminiTests.stream, size: size)
        #expect(isWhole && text.hasSuffix("\n"))
        let lines = try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines.compactMap { $0["message"]?["content"]?.stringValue }.joined() == "Grüß \"G\" 😀")
        #expect(lines.dropLast().allSatisfy { $0["done"] == .bool(false) && $0["model"] != nil && $0["created_at"] != nil })
        let calls = lines.compactMap { $0["message"]?["tool_calls"] }
        #expect(calls.count == 1 && calls[0][0]?["function"]?["arguments"]?["x"]?.stringValue == "Ł" && calls[0][1] != nil)
        #expect(lines.last?["done"] == .bool(true) && lines.last?["done_reason"]?.stringValue == "stop" && lines.last?["eval_count"]?.intValue == 5)
    }

    @Test func `an error is a line of its own`() throws {
        let encoder = Translation.ollama.makeStreamEncoder(Translation.context(stream: true))
        var output = ByteBuffer()
        encoder.encode(.text(ChatText("a\n" as StaticString), choice: 0), into: &output)
        encoder.encode(.failure(ProviderError(status: 500, message: "broke \"off\"", code: "x")), into: &output)
        let lines = try String(buffer: output).split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines[0]["message"]?["content"]?.stringValue == "a\n" && lines[1]["error"]?.stringValue == "broke \"off\"")
    }

    @Test func `what only Ollama serves goes beside its chat`() throws {
        let adapter = try #require(ProviderCatalog.directory.adapter("ollama", variant: "ollama"))
        var settings = ProviderSettings()
        settings.action = "/api/embed"
        for (url, path) in [("http://o.test", "/api/embed"), ("http://o.test/", "/api/embed"), ("http://o.test/team/api/chat", "/team/api/embed")] {
            settings.upstreamURL = url
            #expect(try adapter.locate(.chat, settings).path == path)
        }
    }

    @Test func `configured options win over a client's own`() throws {
        let adapter = try #require(ProviderCatalog.directory.adapter("ollama", variant: "ollama"))
        var edits = ModelRequestEdits()
        edits.model = "m"
        edits.options.maximumTokens = 9
        let body = try ModelRequestBody(ByteBuffer(string: #"{"options":{"num_predict":50,"num_ctx":7},"messages":[]}"#), operation: .chat, format: .ollama)
        let sent = try JSONValue(parsing: try adapter.encode(body, edits))
        #expect(sent["options"]?["num_predict"]?.intValue == 9 && sent["options"]?["num_ctx"]?.intValue == 7 && sent["model"]?.stringValue == "m")
    }

    @Test(arguments: [("0", "1970-01-01T00:00:00.000Z"), ("-5", "1970-01-01T00:00:00.000Z"), ("1700000000", "2023-11-14T22:13:20.000Z"), ("\(Int.max)", "2554-07-21T23:34:33.000Z")])
    func `whatever a provider says of the time, it is written as a date`(created: String, date: String) throws {
        let json = try Translation.answer(Translation.ollama, from: "openai", #"{"created":\#(created),"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#)
        #expect(json["created_at"]?.stringValue == date)
    }
}
