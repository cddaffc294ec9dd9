import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Clients of Cohere's format on other providers. Documents have the shapes of https://docs.cohere.com/reference/chat.
@Suite struct CohereFormatTests {
    @Test func `a request becomes one of OpenAI's`() throws {
        let (json, dropped) = try Translation.request(
            Translation.cohere, to: "openai", stream: true,
            #"""
            {"model":"m","max_tokens":50,"temperature":0.5,"p":0.9,"k":4,"seed":1,"stop_sequences":["a"],"frequency_penalty":0.1,"thinking":{"type":"disabled"},"strict_tools":true,"tool_choice":"REQUIRED","stream":true,
             "response_format":{"type":"json_object","json_schema":{"type":"object"}},"safety_mode":"STRICT","citation_options":{"mode":"OFF"},
             "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],
             "messages":[{"role":"system","content":"brief"},{"role":"user","content":[{"type":"text","text":"a\"b"},{"type":"image_url","image_url":{"url":"https://x.test/a.png","detail":"low"}}]},
              {"role":"assistant","tool_plan":"I look","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}],"citations":[{"start":0}]},
              {"role":"tool","tool_call_id":"c1","content":[{"type":"document","document":{"id":"1","data":{"rain":"yes"}}},{"type":"text","text":"and wind"}]}]}
            """#)
        #expect(json["messages"]?[0]?["content"]?.stringValue == "brief")
        #expect(json["messages"]?[1]?["content"]?[1]?["image_url"]?["detail"]?.stringValue == "low")
        #expect(json["messages"]?[2]?["tool_calls"]?[0]?["function"]?["arguments"]?.stringValue == #"{"x":1}"#)
        #expect(json["messages"]?[3]?["tool_call_id"]?.stringValue == "c1")
        #expect(json["messages"]?[3]?["content"]?.stringValue == "{\"rain\":\"yes\"}\nand wind")
        #expect(json["tool_choice"]?.stringValue == "required")
        #expect(json["tools"]?[0]?["function"]?["strict"] == .bool(true))
        #expect(json["response_format"]?["type"]?.stringValue == "json_schema")
        #expect(json["stop"]?[0]?.stringValue == "a")
        #expect(json["top_p"]?.doubleValue == 0.9)
        #expect(json["stream_options"]?["include_usage"] == .bool(true))
        #expect(json["reasoning_effort"] == nil)
        #expect(Set(dropped).isSuperset(of: ["safety_mode", "citation_options", "top_k"]))
        #expect(!dropped.contains("messages[].citations"))
    }

    @Test(arguments: [
        #"{"messages":[]}"#, #"{"message":"version 1"}"#, #"{"messages":"x"}"#, #"{"messages":[{"role":"chatbot","content":"x"}]}"#,
        #"{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"xml"}}"#, #"{"messages":[{"role":"user","content":"x"}],"k":"4"}"#,
    ])
    func `what cannot be read is refused with the member's name`(json: String) throws {
        let failure = #expect(throws: ProviderFailure.self) { try Translation.decode(Translation.cohere, json) }
        #expect(failure?.status == 400 && failure?.parameter != nil)
    }

    @Test func `only version 2's chat is translated`() throws {
        func action(_ path: String) throws -> String? {
            try Translation.cohere.call(ClientRequest(body: try ModelRequestBody(ByteBuffer(string: "{}"), operation: .chat), path: ByteBuffer(string: path))).action
        }
        #expect(try action("/team/v2/chat") == nil)
        #expect(try action("/v1/chat") == "/v1/chat")
        #expect(try action("/v2/rerank") == "/v2/rerank")
        for path in ["/v1/datasets", "/v2/../v1/datasets", "/v2/chat/", "/v2/%2e%2e/admin"] { #expect(throws: ProviderFailure.self) { try action(path) } }
    }

    @Test func `an answer has the blocks, calls and counts of Cohere's`() throws {
        let json = try Translation.answer(
            Translation.cohere, from: "anthropic",
            #"""
            {"id":"m1","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Hé"},{"type":"tool_use","id":"t1","name":"f","input":{"x":"Ł"}}],"stop_reason":"tool_use",
             "usage":{"input_tokens":5,"cache_read_input_tokens":4,"output_tokens":3}}
            """#)
        let expected = try Translation.json(
            #"""
            {"id":"m1","finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"x\":\"Ł\"}"}}],
             "content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hé"}]},
             "usage":{"billed_units":{"input_tokens":9,"output_tokens":3},"tokens":{"input_tokens":9,"output_tokens":3},"cached_tokens":4}}
            """#)
        #expect(json.meaning == expected.meaning)
    }

    @Test(arguments: [("end_turn", "COMPLETE"), ("max_tokens", "MAX_TOKENS"), ("stop_sequence", "STOP_SEQUENCE"), ("refusal", "COMPLETE")])
    func `an answer ends for a reason of Cohere's`(theirs: String, ours: String) throws {
        let json = try Translation.answer(Translation.cohere, from: "anthropic", #"{"content":[{"type":"text","text":"x"}],"stop_reason":"\#(theirs)"}"#)
        #expect(json["finish_reason"]?.stringValue == ours)
    }

    @Test(arguments: [1, 7, 64, Int.max])
    func `a stream has the events of Cohere's, however it arrives`(size: Int) throws {
        let (text, _, isWhole) = try Translation.stream(Translation.cohere, from: "gemini", GeminiTests.stream, size: size)
        #expect(isWhole)
        let events = try Translation.events(text)
        #expect(
            events.compactMap { $0["type"]?.stringValue } == [
                "message-start", "content-start", "content-delta", "content-end", "content-start", "content-delta", "content-delta", "content-end", "tool-call-start", "tool-call-delta",
                "tool-call-end", "tool-call-start", "tool-call-delta", "tool-call-end", "message-end",
            ])
        // Every event is named as its data says.
        let names = text.split(separator: "\n").filter { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) }
        #expect(names == events.compactMap { $0["type"]?.stringValue })
        #expect(events.compactMap { $0["delta"]?["message"]?["content"]?["text"]?.stringValue }.joined() == "Grüß \"G\" 😀")
        let arguments = events.filter { $0["type"]?.stringValue == "tool-call-delta" }.compactMap { $0["delta"]?["message"]?["tool_calls"]?["function"]?["arguments"]?.stringValue }
        #expect(arguments == [#"{"x":"Ł"}"#, "{}"])
        let end = try #require(events.last?["delta"])
        #expect(end["finish_reason"]?.stringValue == "TOOL_CALL")
        #expect(end["usage"]?["billed_units"]?["output_tokens"]?.intValue == 5)
    }

    @Test func `an error ends a stream in its last event`() throws {
        let encoder = Translation.cohere.makeStreamEncoder(Translation.context(stream: true))
        var output = ByteBuffer()
        encoder.encode(.text(ChatText("a" as StaticString), choice: 0), into: &output)
        encoder.encode(.failure(ProviderError(status: 500, message: "broke \"off\"", code: "x")), into: &output)
        let events = try Translation.events(String(buffer: output))
        #expect(events.last?["delta"]?["error"]?.stringValue == "broke \"off\"")
        #expect(events.last?["delta"]?["finish_reason"]?.stringValue == "ERROR")
        #expect(events.dropLast().last?["type"]?.stringValue == "content-end")
    }
}
