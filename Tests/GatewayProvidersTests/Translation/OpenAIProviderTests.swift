import GatewayCore
import GatewayWire
import NIOCore
import Telemetry
import Testing

@testable import GatewayProviders

/// Clients of Anthropic's format on models behind OpenAI's.
@Suite struct OpenAIProviderTests {
    @Test func `a request of Anthropic's format becomes one of OpenAI's`() throws {
        let (json, dropped) = try Translation.request(
            Translation.anthropic, to: "openai", stream: true,
            #"""
            {"model":"claude","max_tokens":100,"stream":true,"system":[{"type":"text","text":"A","cache_control":{"type":"ephemeral"}},{"type":"text","text":"B"}],
             "stop_sequences":["x"],"temperature":0.2,"metadata":{"user_id":"u"},"thinking":{"type":"enabled","budget_tokens":2000},
             "tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
             "messages":[{"role":"user","content":"hi"},
               {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"calling"},{"type":"tool_use","id":"t1","name":"f","input":{"a": 1}}]},
               {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r1"},{"type":"text","text":"and"},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"/9j/"}}]}]}
            """#)
        let expected = try Translation.json(
            #"""
            {"model":"model-1","max_completion_tokens":100,"stream":true,"stream_options":{"include_usage":true},"stop":["x"],"temperature":0.2,"user":"u","reasoning_effort":"low",
             "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,
             "messages":[{"role":"system","content":"A\nB"},{"role":"user","content":"hi"},
               {"role":"assistant","content":"calling","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},
               {"role":"tool","tool_call_id":"t1","content":"r1"},
               {"role":"user","content":[{"type":"text","text":"and"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/"}}]}]}
            """#)
        #expect(json.meaning == expected.meaning)
        #expect(dropped == ["messages[].content[].cache_control", "messages[].content[].thinking"])
    }

    @Test func `an answer becomes a message`() throws {
        let json = try Translation.answer(
            Translation.anthropic, from: "openai",
            #"""
            {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-x","choices":[{"index":0,"finish_reason":"tool_calls","logprobs":null,"message":{"role":"assistant","content":"Hi\u00e9","refusal":null,
              "reasoning_content":"why","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":"oops"}}]}}],
             "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}
            """#)
        let expected = try Translation.json(
            #"""
            {"id":"chatcmpl-1","type":"message","role":"assistant","model":"gpt-x","content":[{"type":"thinking","thinking":"why","signature":""},{"type":"text","text":"Hié"},
               {"type":"tool_use","id":"c1","name":"f","input":{"a":1}},{"type":"tool_use","id":"c2","name":"g","input":{"arguments":"oops"}}],
             "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":6,"cache_read_input_tokens":4,"output_tokens":5,"output_tokens_details":{"thinking_tokens":2}}}
            """#)
        #expect(json.meaning == expected.meaning)
    }

    static let stream = """
        data: {"id":"c-1","object":"chat.completion.chunk","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{"reasoning_content":"hm"},"finish_reason":null}]}

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{"content":"Grüß \\"Gott\\""},"finish_reason":null}]}

        : keep-alive

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{"content":" 😀"},"finish_reason":null}]}

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}]}

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":null}]}

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\":1}"}}]},"finish_reason":null}]}

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

        data: {"id":"c-1","created":5,"model":"gpt-x","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}

        data: [DONE]


        """

    @Test func `a stream becomes blocks that begin and end`() throws {
        let (text, facts, isWhole) = try Translation.stream(Translation.anthropic, from: "openai", Self.stream)
        let events = try Translation.events(text)
        #expect(
            events.compactMap { $0["type"]?.stringValue } == [
                "message_start", "content_block_start", "content_block_delta", "content_block_stop", "content_block_start", "content_block_delta", "ping", "content_block_delta",
                "content_block_stop", "content_block_start", "content_block_stop", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
                "message_delta", "message_stop",
            ])
        // Pieces of a call name its block, also after another call has begun.
        let pieces = events.filter { $0["delta"]?["type"]?.stringValue == "input_json_delta" }.map { ($0["index"]?.intValue, $0["delta"]?["partial_json"]?.stringValue) }
        #expect(pieces.map(\.0) == [3, 2])
        #expect(pieces.map(\.1) == ["{}", #"{"a":1}"#])
        #expect(events.compactMap { $0["delta"]?["text"]?.stringValue }.joined() == "Grüß \"Gott\" 😀")
        #expect(events[events.count - 2]["usage"]?["input_tokens"]?.intValue == 9)
        #expect(events[events.count - 2]["delta"]?["stop_reason"]?.stringValue == "tool_use")
        #expect(text.contains("event: message_stop\ndata: "))
        #expect(isWhole && facts.usage.output == 4)
    }

    @Test func `a stream reads the same wherever its bytes are split`() throws {
        for format in [Translation.anthropic, Translation.openAI] as [any ClientFormat] {
            let whole = try Translation.stream(format, from: "openai", Self.stream)
            for size in 1...48 { #expect(try Translation.stream(format, from: "openai", Self.stream, size: size).text == whole.text, "pieces of \(size)") }
        }
    }

    @Test func `a server that forgets the end marker has said all with its finish reason`() throws {
        let text = Self.stream.replacing("data: [DONE]\n\n", with: "")
        let (out, _, isWhole) = try Translation.stream(Translation.anthropic, from: "openai", text)
        #expect(isWhole)
        #expect(out.contains("message_stop"))
    }

    @Test func `a stream without its finish reason is cut off`() throws {
        let text = String(Self.stream[..<(try #require(Self.stream.firstRange(of: #"data: {"id":"c-1","created":5,"model":"gpt-x","choices":[{"index":0,"delta":{},"#)).lowerBound)])
        let (out, _, isWhole) = try Translation.stream(Translation.anthropic, from: "openai", text)
        #expect(!isWhole)
        #expect(!out.contains("message_stop"))
    }

    @Test(arguments: [
        #"{"reasoning":"hm","reasoning_content":"hm","content":null}"#, #"{"reasoning_content":"hm","reasoning":"hm"}"#, #"{"reasoning_content":null,"reasoning":"hm"}"#,
        #"{"reasoning":"","reasoning_content":"hm"}"#, #"{"reasoning":"hm"}"#,
    ])
    func `thoughts under two names are told once`(delta: String) throws {
        let (text, _, _) = try Translation.stream(
            Translation.openAI, from: "openai", "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":\(delta)}]}\n\ndata: [DONE]\n\n")
        #expect(try Translation.events(text).compactMap { $0["choices"]?[0]?["delta"]?["reasoning_content"]?.stringValue } == ["hm"])
    }

    @Test func `reasoning that xAI counts apart is output, where the total says so`() throws {
        for (total, output) in [(135, 103), (41, 9), (0, 9)] {
            let usage = #"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":\#(total),"completion_tokens_details":{"reasoning_tokens":94}}"#
            let answer = try Translation.answer(Translation.openAI, from: "openai", #"{"choices":[],"usage":\#(usage)}"#)
            #expect(answer["usage"]?["completion_tokens"]?.intValue == output && answer["usage"]?["total_tokens"]?.intValue == 32 + output)
            let (_, facts, _) = try Translation.stream(Translation.anthropic, from: "openai", "data: {\"choices\":[],\"usage\":\(usage)}\n\ndata: [DONE]\n\n")
            #expect(facts.usage.output == Int64(output) && facts.usage.reasoning == 94)
        }
    }

    @Test func `an error chunk is an error event`() throws {
        let (text, _, _) = try Translation.stream(
            Translation.anthropic, from: "openai", "data: {\"error\":{\"message\":\"too fast\",\"type\":\"rate_limit_error\",\"code\":null}}\n\ndata: [DONE]\n\n")
        #expect(text == "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"too fast\"}}\n\n")
    }

    // MARK: Nothing is lost

    private static let everything = #"""
        {"model":"model-1","max_completion_tokens":5,"temperature":0.30,"top_p":1e-1,"frequency_penalty":-1.5,"presence_penalty":2,"seed":123456789012345678,"n":2,"logprobs":true,"top_logprobs":3,
         "logit_bias":{"50256":-100},"stop":["a","b\n"],"user":"u","service_tier":"flex","metadata":{"k":"v"},"modalities":["text","audio"],"audio":{"voice":"alloy","format":"wav"},
         "reasoning_effort":"high","parallel_tool_calls":true,"tool_choice":{"type":"function","function":{"name":"f"}},"store":true,"prediction":{"type":"content","content":"x"},"verbosity":"low",
         "web_search_options":{"search_context_size":"low"},
         "response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object","additionalProperties":false},"strict":true}},
         "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"string"}}},"strict":false}},{"type":"custom","custom":{"name":"c"}}],
         "messages":[{"role":"developer","content":"dev","name":"n1"},{"role":"system","content":[{"type":"text","text":"sys","cache_control":{"type":"ephemeral"}}]},
           {"role":"user","name":"bob","content":[{"type":"text","text":"a\u0000\ud83d\ude00é\\"},{"type":"image_url","image_url":{"url":"https://x.test/i.png","detail":"high"}},
             {"type":"image_url","image_url":{"url":"data:image/webp;base64,AAAA"}},{"type":"input_audio","input_audio":{"data":"BBBB","format":"mp3"}},
             {"type":"file","file":{"file_id":"file-1"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,CCCC","filename":"a.pdf"}}]},
           {"role":"assistant","content":"text","refusal":"no","audio":{"id":"a1"},"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":\"\\u00e9\"}"}},{"id":"c2","type":"custom","custom":{"name":"c","input":"i"}}]},
           {"role":"tool","tool_call_id":"c1","content":"plain"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
           {"role":"assistant","reasoning_content":"thought","content":[{"type":"text","text":"t"}]},
           {"role":"function","name":"old","content":"legacy"}]}
        """#

    @Test func `a request of OpenAI's format survives the canonical model`() throws {
        let (json, dropped) = try Translation.request(Translation.openAI, to: "openai", Self.everything)
        #expect(json.meaning == (try Translation.json(Self.everything)).meaning)
        #expect(dropped.isEmpty)
    }

    @Test func `numbers keep the spelling of the client`() throws {
        var encoding = ChatEncoding(model: "model-1", isStream: false, settings: ProviderSettings())
        let bytes = try Translation.adapter("openai").encode(try Translation.decode(Translation.openAI, Self.everything), &encoding)
        let text = String(buffer: bytes)
        for spelling in ["\"temperature\":0.30", "\"top_p\":1e-1", "\"seed\":123456789012345678"] { #expect(text.contains(spelling), "\(spelling)") }
    }

    @Test func `an answer of OpenAI's format survives it too`() throws {
        let text = #"""
            {"id":"c","object":"chat.completion","created":7,"model":"m","system_fingerprint":"fp","service_tier":"default","choices":[
              {"index":0,"finish_reason":"stop","logprobs":{"content":[{"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[]}],"refusal":null},"message":{"role":"assistant","content":"a","annotations":[],"audio":{"id":"x","data":"AA","expires_at":1,"transcript":"t"}}},
              {"index":1,"finish_reason":"content_filter","message":{"role":"assistant","content":null,"refusal":"no"}}],
             "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},
               "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":1,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}
            """#
        #expect(try Translation.answer(Translation.openAI, from: "openai", text).meaning == (try Translation.json(text)).meaning)
    }

    @Test func `what cannot be read is refused by its name`() throws {
        for (text, parameter) in [
            (#"{"messages":1}"#, "messages"), (#"{"messages":[1]}"#, "messages"), (#"{"messages":[{"content":"x"}]}"#, "messages[].role"),
            (#"{"messages":[{"role":"king","content":"x"}]}"#, "messages[].role"), (#"{"messages":[{"role":"user","content":5}]}"#, "messages[].content"),
            (#"{"messages":[],"temperature":"warm"}"#, "temperature"), (#"{"messages":[],"response_format":{"type":"xml"}}"#, "response_format.type"),
            (#"{"messages":[],"tools":[{"type":"function","function":{}}]}"#, "tools[].function.name"),
        ] {
            do {
                _ = try Translation.decode(Translation.openAI, text)
                Issue.record("was read: \(text)")
            } catch let failure as ProviderFailure {
                #expect(failure.status == 400 && failure.parameter == parameter, "\(text)")
            }
        }
    }
}
