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

    @Test func `each stage tells by how much it changed the request, in bytes and in tokens`() async throws {
        let fixture = try GuardFixture(
            """
            {name: ai-prompt-decorator, config: {prompts: {prepend: [{content: "Answer in one short sentence."}]}}}, {name: ai-prompt-guard, config: {deny_patterns: [nothing]}}
            """)
        let body = GuardFixture.chat([("user", "What is the capital of France?")])
        let (_, record) = try await fixture.post(body)
        let decorated = #"{"role":"system","content":"Answer in one short sentence."},"#
        let stages = Dictionary(uniqueKeysWithValues: record.scopes.filter { !$0.stage.isEmpty }.map { ($0.stage, $0.evidence) })
        #expect(stages["ai-prompt-decorator request"]?.bytesDelta == Int64(decorated.utf8.count))
        #expect((7...11).contains(stages["ai-prompt-decorator request"]?.tokensDelta ?? 0))
        // What passes, and what only sends on, changes nothing.
        #expect(stages["ai-prompt-guard request"]?.bytesDelta == 0 && stages["ai-prompt-guard request"]?.tokensDelta == 0)
        #expect(stages["ai-proxy request"]?.bytesDelta == 0 && stages["ai-proxy request"]?.tokensDelta == 0)
    }

    @Test func `a stage in shadow mode tells what it would have changed`() async throws {
        let prompts = #"prompts: {prepend: [{content: "Be brief."}]}"#
        let fixture = try GuardFixture("{name: ai-prompt-decorator, config: {\(prompts)}, _pellucid: {mode: shadow}}")
        let (_, record) = try await fixture.say("hi")
        #expect(fixture.sentContents == ["hi"])
        let stage = try #require(record.scopes.first { $0.stage == "ai-prompt-decorator request" }).evidence
        #expect(stage.bytesDelta == Int64(#"{"role":"system","content":"Be brief."},"#.utf8.count) && stage.tokensDelta > 0)
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
