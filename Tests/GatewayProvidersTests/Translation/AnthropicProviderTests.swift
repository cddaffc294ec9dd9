import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

/// Clients of OpenAI's format on models of Anthropic. Documents have the shapes of https://docs.anthropic.com/en/api/messages and …/streaming.
@Suite struct AnthropicProviderTests {
    // MARK: Requests

    @Test func `a conversation becomes blocks beside its system text`() throws {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "anthropic",
            #"""
            {"model":"m","max_tokens":50,"temperature":0.5,"top_p":0.9,"top_k":4,"stop":["a","b"],"user":"u-1","messages":[
              {"role":"system","content":"Be \"brief\"."},
              {"role":"user","content":[{"type":"text","text":"Look:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}},{"type":"image_url","image_url":{"url":"https://x.test/a.jpg"}}]},
              {"role":"assistant","content":"I see"},
              {"role":"user","content":"a\nb é 😀"}]}
            """#)
        let expected = try Translation.json(
            #"""
            {"model":"model-1","max_tokens":50,"system":"Be \"brief\".","messages":[
              {"role":"user","content":[{"type":"text","text":"Look:"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}},{"type":"image","source":{"type":"url","url":"https://x.test/a.jpg"}}]},
              {"role":"assistant","content":[{"type":"text","text":"I see"}]},
              {"role":"user","content":[{"type":"text","text":"a\nb é 😀"}]}],
             "temperature":0.5,"top_p":0.9,"top_k":4,"stop_sequences":["a","b"],"metadata":{"user_id":"u-1"}}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `results of parallel calls and the text after them share one turn`() throws {
        let (json, _) = try Translation.request(
            Translation.openAI, to: "anthropic",
            #"""
            {"messages":[{"role":"user","content":"weather?"},
              {"role":"assistant","content":null,"tool_calls":[
                {"id":"c1","type":"function","function":{"name":"w","arguments":"{\"city\": \"Łódź\"}"}},
                {"id":"c2","type":"function","function":{"name":"w","arguments":""}}]},
              {"role":"tool","tool_call_id":"c1","content":"sunny"},
              {"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"rain"}]},
              {"role":"user","content":"thanks"}]}
            """#)
        let expected = try Translation.json(
            #"""
            [{"role":"user","content":[{"type":"text","text":"weather?"}]},
             {"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"w","input":{"city":"Łódź"}},{"type":"tool_use","id":"c2","name":"w","input":{}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"sunny"},{"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"rain"}]},{"type":"text","text":"thanks"}]}]
            """#)
        #expect(json["messages"]?.meaning == expected.meaning)
        #expect(json["max_tokens"]?.intValue == 4_096)
    }

    @Test func `tools choices schemas and thinking have their places`() throws {
        let (json, dropped) = try Translation.request(
            Translation.openAI, to: "anthropic", model: "claude-sonnet-4-20250514",
            #"""
            {"max_completion_tokens":9000,"reasoning_effort":"medium","parallel_tool_calls":false,"tool_choice":"auto","messages":[{"role":"user","content":"x"}],
             "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true},"cache_control":{"type":"ephemeral"}}],
             "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{}},"strict":true}}}
            """#)
        #expect(json["thinking"]?.meaning == (try Translation.json(#"{"type":"enabled","budget_tokens":8192}"#)).meaning)
        #expect(json["tool_choice"]?.meaning == (try Translation.json(#"{"type":"auto","disable_parallel_tool_use":true}"#)).meaning)
        #expect(json["tools"]?[0]?.meaning == (try Translation.json(#"{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"}}"#)).meaning)
        #expect(json["output_config"]?.meaning == (try Translation.json(#"{"format":{"type":"json_schema","schema":{"type":"object","properties":{}}}}"#)).meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `models since Claude 4_6 think by effort`() throws {
        for (model, isAdaptive) in [
            ("claude-opus-4-6", true), ("claude-opus-4-7-20260301", true), ("claude-sonnet-4-5-20250929", false), ("claude-sonnet-4-20250514", false), ("claude-3-7-sonnet-latest", false),
            ("claude-opus-5", true), ("model-9", false),
        ] {
            let (json, _) = try Translation.request(
                Translation.openAI, to: "anthropic", model: model, #"{"max_tokens":9000,"reasoning_effort":"low","messages":[{"role":"user","content":"x"}]}"#)
            #expect(json["thinking"]?["type"]?.stringValue == (isAdaptive ? "adaptive" : "enabled"), "\(model)")
            #expect(json["output_config"]?["effort"]?.stringValue == (isAdaptive ? "low" : nil), "\(model)")
        }
    }

    @Test func `what the API lacks is left out and named, or refused`() throws {
        let text = #"{"n":2,"seed":1,"logit_bias":{"1":2},"presence_penalty":0.5,"frequency_penalty":0,"store":true,"messages":[{"role":"user","content":"x"}]}"#
        let (json, dropped) = try Translation.request(Translation.openAI, to: "anthropic", text)
        #expect(Set(dropped) == ["n", "seed", "logit_bias", "presence_penalty", "store"])
        #expect(json["n"] == nil && json["store"] == nil)
        do {
            _ = try Translation.request(Translation.openAI, to: "anthropic", policy: .error, text)
            Issue.record("was translated")
        } catch let failure as ProviderFailure {
            #expect(failure.status == 400)
            #expect(failure.parameter == "n")
        }
    }

    @Test func `arguments that are no object are the client's mistake`() throws {
        let text = #"{"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{broken"}}]}]}"#
        #expect(throws: ProviderFailure.self) { try Translation.request(Translation.openAI, to: "anthropic", text) }
    }

    // MARK: Answers

    private static let answer = #"""
        {"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
          {"type":"thinking","thinking":"hm\n","signature":"sig"},{"type":"redacted_thinking","data":"xx"},
          {"type":"text","text":"Hello "},{"type":"text","text":"\"world\" 😀"},
          {"type":"tool_use","id":"toolu_1","name":"w","input":{"city": "Łódź"}}],
         "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":10,"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"output_tokens":7,"output_tokens_details":{"thinking_tokens":4}}}
        """#

    @Test func `an answer keeps thoughts calls and counts`() throws {
        let json = try Translation.answer(Translation.openAI, from: "anthropic", Self.answer)
        let expected = try Translation.json(
            #"""
            {"id":"msg_1","object":"chat.completion","created":1700000000,"model":"claude-x","choices":[{"index":0,"finish_reason":"tool_calls","message":{
               "role":"assistant","content":"Hello \"world\" 😀","reasoning_content":"hm\n",
               "thinking_blocks":[{"type":"thinking","thinking":"hm\n","signature":"sig"},{"type":"redacted_thinking","data":"xx"}],
               "tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"w","arguments":"{\"city\": \"Łódź\"}"}}]}}],
             "usage":{"prompt_tokens":15,"completion_tokens":7,"total_tokens":22,"prompt_tokens_details":{"cached_tokens":3,"audio_tokens":0,"cache_creation_tokens":2},
               "completion_tokens_details":{"reasoning_tokens":4,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}
            """#)
        #expect(json.meaning == expected.meaning)
    }

    @Test func `what is no answer is the provider's failure`() throws {
        for text in ["", "{", "[]", #"{"id":1}"#, "<html>"] {
            do {
                _ = try Translation.adapter("anthropic").decode(ByteBuffer(string: text))
                Issue.record("was decoded")
            } catch let failure as ProviderFailure { #expect(failure.status == 502) }
        }
    }

    // MARK: Streams

    static let stream = """
        event: message_start\r
        data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_read_input_tokens":5,"output_tokens":1}}}\r
        \r
        event: ping
        data: {"type": "ping"}

        : a comment

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me \\u00e9"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: content_block_start
        data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Grüß \\"Gott\\" "}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"你好 😀"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":1}

        event: content_block_start
        data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\\"city\\": \\"Ł"}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"ódź\\"}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":2}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}}

        event: message_stop
        data: {"type":"message_stop"}


        """

    @Test func `a stream becomes chunks`() throws {
        let (text, facts, isWhole) = try Translation.stream(Translation.openAI, from: "anthropic", Self.stream)
        let events = try Translation.events(text)
        let deltas = events.compactMap { $0["choices"]?[0]?["delta"] }
        #expect(deltas.compactMap { $0["content"]?.stringValue }.joined() == "Grüß \"Gott\" 你好 😀")
        #expect(deltas.compactMap { $0["reasoning_content"]?.stringValue }.joined() == "Let me é")
        #expect(deltas.compactMap { $0["thinking_blocks"]?[0]?["signature"]?.stringValue } == ["EqQB"])
        #expect(deltas.compactMap { $0["thinking_blocks"]?[0]?["thinking"]?.stringValue } == ["Let me é"])
        let calls = deltas.compactMap { $0["tool_calls"]?[0] }
        #expect(calls.first?["id"]?.stringValue == "toolu_1")
        #expect(calls.compactMap { $0["function"]?["arguments"]?.stringValue }.joined() == #"{"city": "Łódź"}"#)
        #expect(events.compactMap { $0["choices"]?[0]?["finish_reason"]?.stringValue } == ["tool_calls"])
        #expect(events[events.count - 2]["usage"]?["prompt_tokens"]?.intValue == 30)
        #expect(events[events.count - 2]["usage"]?["completion_tokens"]?.intValue == 15)
        #expect(events.last == .string("[DONE]"))
        #expect(events.dropLast().allSatisfy { $0["id"]?.stringValue == "msg_1" && $0["model"]?.stringValue == "claude-x" && $0["created"]?.intValue == 1_700_000_000 })
        #expect(isWhole && facts.isComplete)
        #expect(facts.usage.input == 30 && facts.usage.output == 15 && facts.usage.cachedInput == 5)
        #expect(facts.finishReasons == ByteBuffer(string: "tool_use"))
        #expect(facts.model == ByteBuffer(string: "claude-x"))
    }

    @Test(arguments: [
        (#"{}"#, [String](), "{}"), (#"{}"#, [""], "{}"), (#"{}"#, [#"{}"#], "{}"), (#"{}"#, ["", #"{\"a\":"#, #"1}"#], #"{"a":1}"#), (#"{"a":1}"#, [], #"{"a":1}"#),
    ])
    func `the arguments of a streamed call are JSON, those of none an empty object`(input: String, pieces: [String], expected: String) throws {
        func call(_ index: Int) -> String {
            #"data: {"type":"content_block_start","index":\#(index),"content_block":{"type":"tool_use","id":"t\#(index)","name":"now","input":\#(input)}}"# + "\n\n"
                + pieces.map { #"data: {"type":"content_block_delta","index":\#(index),"delta":{"type":"input_json_delta","partial_json":"\#($0)"}}"# + "\n\n" }.joined()
                + #"data: {"type":"content_block_stop","index":\#(index)}"# + "\n\n"
        }
        let end = #"data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}"# + "\n\n" + #"data: {"type":"message_stop"}"# + "\n\n"
        let (text, _, isWhole) = try Translation.stream(Translation.openAI, from: "anthropic", call(0) + call(1) + end)
        let calls = try Translation.events(text).compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
        for index in 0...1 {
            #expect(calls.filter { $0["index"]?.intValue == index }.compactMap { $0["function"]?["arguments"]?.stringValue }.joined() == expected)
        }
        #expect(isWhole)
    }

    @Test func `a stream reads the same wherever its bytes are split`() throws {
        let whole = try Translation.stream(Translation.openAI, from: "anthropic", Self.stream)
        for size in 1...64 {
            let split = try Translation.stream(Translation.openAI, from: "anthropic", Self.stream, size: size)
            #expect(split.text == whole.text, "pieces of \(size)")
            #expect(split.facts.usage == whole.facts.usage)
        }
    }

    @Test func `usage that was not asked for is not shown`() throws {
        let (text, facts, _) = try Translation.stream(Translation.openAI, from: "anthropic", Self.stream, usage: false)
        #expect(try Translation.events(text).allSatisfy { $0["usage"] == nil })
        #expect(facts.usage.output == 15)
    }

    @Test func `an error in the middle is an error of the client's format and nothing follows it`() throws {
        let broken = Self.stream.prefix(while: { $0 != ":" }) + """
            : x\n\nevent: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n
            """ + Self.stream
        let (text, _, isWhole) = try Translation.stream(Translation.openAI, from: "anthropic", String(broken))
        let events = try Translation.events(text)
        #expect(events.count == 1)
        #expect(events[0]["error"]?["message"]?.stringValue == "Overloaded")
        #expect(events[0]["error"]?["code"]?.stringValue == "overloaded_error")
        #expect(isWhole)
    }

    @Test func `a stream that is cut off is not complete`() throws {
        let end = try #require(Self.stream.firstRange(of: "event: message_delta")).lowerBound
        let (text, facts, isWhole) = try Translation.stream(Translation.openAI, from: "anthropic", String(Self.stream[..<end]))
        #expect(!isWhole && !facts.isComplete)
        #expect(!text.contains("[DONE]"))
    }

    // MARK: Errors

    @Test func `errors keep their message and get the client's shape`() throws {
        let adapter = try Translation.adapter("anthropic")
        let body = ByteBuffer(string: #"{"type":"error","error":{"type":"rate_limit_error","message":"slow \"down\""},"request_id":"r"}"#)
        let error = adapter.readError(status: 429, body: body)
        #expect(error.failure == .rateLimited && error.status == 429)
        let json = try JSONValue(parsing: Translation.openAI.encode(error))
        #expect(json.meaning == (try Translation.json(#"{"error":{"message":"slow \"down\"","type":"rate_limit_error","code":"rate_limit_error"}}"#)).meaning)
        #expect(adapter.readError(status: 529, body: ByteBuffer(string: "<html>")).status == 503)
        #expect(adapter.readError(status: 500, body: ByteBuffer()).message.string == "The provider answered with status 500")
    }
}
