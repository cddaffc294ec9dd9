import Foundation
import GatewayCore
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AIPromptDecoratorTests {
    private static let prompts = #"prompts: {prepend: [{content: "be \"brief\""}, {role: user, content: one}], append: [{role: assistant, content: two}, {content: three}]}"#

    @Test func `messages stand around the client's, in order, everything else as sent`() async throws {
        let fixture = try GuardFixture("{name: ai-prompt-decorator, config: {\(Self.prompts)}}")
        let (client, record) = try await fixture.post(#"{ "temperature": 0.50, "messages": [ {"role":"user","content":"hi","name":"n"} ] }"#)
        #expect(client.status == 200)
        #expect(fixture.sentContents == ["be \"brief\"", "one", "hi", "two", "three"])
        #expect((fixture.sent?["messages"] as? [[String: String]])?.map { $0["role"] ?? "" } == ["system", "user", "user", "assistant", "system"])
        let body = try #require(fixture.engine.upstream.sent.last).body
        #expect(body.contains(#""temperature": 0.50"#) && body.contains(#"{"role":"user","content":"hi","name":"n"}"#))
        let fields = GuardFixture.fields(record, "ai-prompt-decorator request")
        #expect(fields == ["pellucid.prompt_decorator.prepended": "2", "pellucid.prompt_decorator.appended": "2"])
        #expect(record.scopes.first { $0.stage == "ai-prompt-decorator request" }?.evidence.outcome == .modified)
    }

    @Test(arguments: [#"{"prompt":"x"}"#, #"{"messages":[]}"#, #"{"messages":"x"}"#])
    func `what is no chat is refused as Kong refuses it`(body: String) async throws {
        let (client, _) = try await GuardFixture("{name: ai-prompt-decorator, config: {\(Self.prompts)}}").post(body)
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == "this LLM route only supports llm/chat type requests")
    }

    @Test(arguments: [
        (#"{"messages":[{"role":"user","content":"hi"}]}"#, #""system":"be \"brief\"\n\nthree""#), (#"{"system":"own","messages":[{"role":"user","content":"hi"}]}"#, #""system":"be \"brief\"\n\nown\n\nthree""#),
        (
            #"{"system":[{"type":"text","text":"own"}],"messages":[{"role":"user","content":"hi"}]}"#,
            #""system":[{"type":"text","text":"be \"brief\""},{"type":"text","text":"own"},{"type":"text","text":"three"}]"#
        ),
    ])
    func `for Anthropic's clients system messages go into system`(body: String, expected: String) async throws {
        let fixture = try GuardFixture("{name: ai-prompt-decorator, config: {llm_format: anthropic, \(Self.prompts)}}")
        #expect(try await fixture.post(body).client.status == 200)
        #expect(fixture.sentContents == ["one", "hi", "two"])
        #expect(fixture.engine.upstream.sent.last?.body.contains(expected) == true, "\(fixture.engine.upstream.sent.last?.body ?? "")")
    }

    @Test func `a configuration without messages is refused`() {
        let problems = EngineFixture.problems(
            "services: [{name: s, url: \"http://h/\", plugins: [{name: ai-prompt-decorator, config: {prompts: {}}}]}]", plugins: PluginRegistrations.all)
        #expect(problems.count == 1 && problems[0].contains("needs at least one of prepend, append"), "\(problems)")
    }

    @Test func `in shadow mode the request goes on as it came`() async throws {
        let fixture = try GuardFixture("{name: ai-prompt-decorator, config: {\(Self.prompts)}, _pellucid: {mode: shadow}}")
        #expect(try await fixture.say("hi").record.scopes.first { $0.stage == "ai-prompt-decorator request" }?.evidence.verdict == .modify)
        #expect(fixture.sentContents == ["hi"])
    }
}
