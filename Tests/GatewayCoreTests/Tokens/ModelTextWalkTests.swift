import NIOCore
import Telemetry
import Testing

@testable import GatewayCore

@Suite struct ModelTextWalkTests {
    private func tokens(_ json: String, _ side: ModelTextWalk.Side = .request) -> Int { ModelTextWalk.tokens(ByteBuffer(string: json), side) }

    @Test(arguments: [
        ("openai", #"{"model":"gpt-with-a-long-name","messages":[{"role":"user","content":"Say hello to everybody"}],"temperature":0.25}"#),
        ("openai parts", #"{"messages":[{"role":"user","content":[{"type":"text","text":"Say hello to everybody"},{"type":"image_url","image_url":{"url":"https://images.test/a/b.png"}}]}]}"#),
        ("anthropic", #"{"model":"claude","max_tokens":100,"messages":[{"role":"user","content":[{"type":"text","text":"Say hello to everybody","cache_control":{"type":"ephemeral"}}]}]}"#),
        ("gemini", #"{"contents":[{"role":"user","parts":[{"text":"Say hello to everybody"}]}],"generationConfig":{"maxOutputTokens":100}}"#),
        ("bedrock", #"{"messages":[{"role":"user","content":[{"text":"Say hello to everybody"}]}],"inferenceConfig":{"maxTokens":100}}"#),
        ("responses", #"{"input":[{"role":"user","content":[{"type":"input_text","text":"Say hello to everybody"}]}],"metadata":{"text":"not for the model"}}"#),
        ("bedrock count", #"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"Say hello to everybody"}]}]}}}"#),
        ("escaped", #"{"messages":[{"role":"user","content":"Say h\u0065llo to every\u0062ody"}]}"#),
    ])
    func `a message counts the same in every format`(format: String, json: String) { #expect(self.tokens(json) == 3 + 4) }

    @Test(arguments: [
        (#"{"prompt":"Say hello to everybody"}"#, 4), (#"{"prompt":["Say hello","to everybody"]}"#, 4), (#"{"prompt":[1,22,333]}"#, 3),
        (#"{"input":[[1,2],[3]],"model":"embedding"}"#, 3), (#"{"texts":["Say hello","to everybody"]}"#, 4), (#"{"inputs":"Say hello","parameters":{"max_new_tokens":20}}"#, 2),
        (#"{"content":{"parts":[{"text":"Say hello"}]}}"#, 2), (#"{"system":"Be brief","messages":[]}"#, 2), ("{}", 0), ("[]", 0), ("", 0), ("{", 0), (#"{"content":"#, 0),
    ])
    func `prompts count whatever they are called`(json: String, count: Int) { #expect(self.tokens(json) == count) }

    @Test func `tools and their arguments count with their names`() {
        let bare = self.tokens(#"{"messages":[{"role":"user","content":"x"}]}"#)
        let tools = #""tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]"#
        #expect(self.tokens(#"{"messages":[{"role":"user","content":"x"}],\#(tools)}"#) - bare == 12)
        let call = #"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Paris\"}"}}]}}]}"#
        #expect((4...8).contains(self.tokens(call, .answer)))
        let native = #"{"content":[{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Paris"}}]}"#
        #expect(self.tokens(native, .answer) == 3)
    }

    @Test func `media and what describes an answer do not count`() {
        let data = String(repeating: "iVBORw0KGgo", count: 1000)
        #expect(self.tokens(#"{"messages":[{"role":"user","content":[{"type":"file","text":"data:image/png;base64,\#(data)"},{"type":"text","text":"one"}]}]}"#) == 3 + 1)
        let answer = #"""
            {"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"one"},
            "logprobs":{"content":[{"token":"one","logprob":-0.5,"bytes":[111,110,101]}]}}],"usage":{"text":"x"}}
            """#
        #expect(self.tokens(answer, .answer) == 1)
    }

    @Test func `what a last event repeats does not count again`() {
        #expect(self.tokens(#"{"token":{"id":1,"text":" end","special":false},"generated_text":"the whole answer"}"#, .event) == 1)
        #expect(self.tokens(#"{"event_type":"stream-end","response":{"text":"the whole answer"}}"#, .event) == 0)
        #expect(self.tokens(#"{"model":"llama","response":"two words"}"#, .event) == 2)
        #expect(self.tokens(#"{"type":"response.output_text.delta","delta":"two words"}"#, .deltas) == 2)
        #expect(self.tokens(#"{"type":"response.output_text.done","text":"two words"}"#, .deltas) == 0)
    }

    @Test func `any prefix of a body is walked in bounds`() {
        let body = #"{"messages":[{"role":"user","content":[{"type":"text","text":"h\u00e9llo \"you\"\n"}]}],"tools":[{"a":{"b":[1,2,null]}}],"x":[[{"content":"y"}]]}"#
        let whole = self.tokens(body)
        for length in 0..<body.utf8.count { #expect(self.tokens(String(decoding: body.utf8.prefix(length), as: UTF8.self)) <= whole + 1) }
        #expect(self.tokens(String(repeating: #"{"content":["#, count: 10_000)) == 0)
    }
}

@Suite struct TokenAccountTests {
    private func event(_ text: String) -> [UInt8] { Array(#"{"choices":[{"index":0,"delta":{"content":"\#(text)"}}]}"#.utf8) }

    private func account(_ events: Int, expectsUsage: Bool = false, _ text: (Int) -> String = { _ in "word " }) -> TokenAccount {
        let account = TokenAccount(.chat, sent: ByteBuffer(string: #"{"messages":[{"role":"user","content":"Say hello"}]}"#), expectsUsage: expectsUsage)
        account.open()
        for index in 0..<events { self.event(text(index)).withUnsafeBytes { account.note($0) } }
        return account
    }

    @Test(arguments: [0, 1, 4, 5, 15, 16, 17, 36, 100, 5000], [false, true])
    func `a stream's tokens are told from a part of its events`(events: Int, expectsUsage: Bool) {
        var facts = ModelResponseFacts()
        TokenAccount.complete(&facts, by: self.account(events, expectsUsage: expectsUsage), isTruncated: false)
        #expect(facts.usage.source == .estimated && facts.usage.input == 5 && facts.usage.output == events)
    }

    @Test func `events of many sizes are told within a tenth`() {
        let words = { (index: Int) in String(repeating: "word ", count: 1 + index * 7919 % 11) }
        var facts = ModelResponseFacts()
        TokenAccount.complete(&facts, by: self.account(2000, words), isTruncated: true)
        let real = (0..<2000).reduce(0) { $0 + 1 + $1 * 7919 % 11 }
        #expect(facts.usage.source == .partial && abs(Double(facts.usage.output) / Double(real) - 1) < 0.1)
    }

    @Test func `large events are read all`() {
        var facts = ModelResponseFacts()
        TokenAccount.complete(&facts, by: self.account(41, expectsUsage: true) { $0 == 40 ? String(repeating: "word ", count: 1000) : "word " }, isTruncated: false)
        #expect(facts.usage.output == 1040)
    }

    @Test func `what a provider told stands, unless the stream broke off before its end`() {
        var told = ModelResponseFacts()
        told.usage.input = 100
        told.usage.output = 1
        told.usage.source = .providerReported
        var facts = told
        TokenAccount.complete(&facts, by: self.account(10), isTruncated: false)
        #expect(facts.usage == told.usage)
        TokenAccount.complete(&facts, by: self.account(10), isTruncated: true)
        #expect(facts.usage.source == .partial && facts.usage.input == 100 && facts.usage.output == 10)
        facts = told
        facts.finishReasons = ByteBuffer(string: "stop")
        TokenAccount.complete(&facts, by: self.account(10), isTruncated: true)
        #expect(facts.usage == told.usage)
    }

    @Test func `without a request there is nothing to estimate from`() {
        var facts = ModelResponseFacts()
        TokenAccount.complete(&facts, by: nil, isTruncated: false)
        #expect(facts.usage.source == .none)
        TokenAccount.complete(&facts, by: nil, isTruncated: true)
        #expect(facts.usage.source == .partial && facts.usage.total == 0)
    }
}
