import GatewayCore
import NIOCore
import Testing

@Suite struct TokenDeltaTests {
    private static let user = #"{"role":"user","content":"What is the capital of France, and how many people live there?"}"#

    private static func body(_ messages: String...) -> ByteBuffer { ByteBuffer(string: #"{"model":"m","messages":[\#(messages.joined(separator: ","))],"stream":true}"#) }

    private func walked(_ before: ByteBuffer, _ after: ByteBuffer) -> Int { ModelTextWalk.tokens(after, .request) - ModelTextWalk.tokens(before, .request) }

    @Test func `the same text is no longer`() {
        #expect(TokenDelta.of(Self.body(Self.user), Self.body(Self.user)) == 0)
        #expect(TokenDelta.of(ByteBuffer(), ByteBuffer()) == 0)
    }

    @Test(arguments: [
        #"{"role":"system","content":"Be brief."}"#, #"{ "role" : "system" , "content" : "Answer in French, please; never say \"no\"." }"#,
        #"{"content":[{"type":"text","text":"You are a careful assistant of a bank."}],"role":"user"}"#,
    ])
    func `a message put in counts nearly as the whole would`(_ message: String) {
        for after in [Self.body(message, Self.user), Self.body(Self.user, message)] {
            let before = Self.body(Self.user)
            let (delta, truth) = (TokenDelta.of(before, after), self.walked(before, after))
            #expect(abs(delta - truth) <= 2, "\(delta) instead of \(truth)")
            #expect(TokenDelta.of(after, before) == -delta)
        }
    }

    @Test func `a text that becomes shorter counts what it lost`() {
        let before = Self.body(Self.user)
        let after = Self.body(#"{"role":"user","content":"What is the capital of France?"}"#)
        #expect(abs(TokenDelta.of(before, after) - self.walked(before, after)) <= 2)
        #expect(TokenDelta.of(before, after) < -5)
    }

    @Test func `names replaced within a text count by themselves`() {
        let before = Self.body(#"{"role":"user","content":"Write to Anna Schmidt in Berlin about it"}"#)
        let after = Self.body(#"{"role":"user","content":"Write to NAME1 in LOCATION2 about it"}"#)
        #expect(abs(TokenDelta.of(before, after) - self.walked(before, after)) <= 2)
    }

    @Test func `what is no text of a model does not count`() {
        let other = ByteBuffer(string: #"{"model":"another-model","messages":[\#(Self.user)],"stream":true}"#)
        #expect(TokenDelta.of(Self.body(Self.user), other) == 0)
    }

    @Test func `text that is no JSON is counted and traps nowhere`() {
        let texts = ["", "\"", "\\\"", "{\"a\":", "plain words here", "[1,2,3]", "\"a\":\"b\"", ":::\"\"\""]
        for a in texts { for b in texts { #expect(TokenDelta.of(ByteBuffer(string: a), ByteBuffer(string: b)) == -TokenDelta.of(ByteBuffer(string: b), ByteBuffer(string: a))) } }
    }
}
