import Foundation
import GatewayCore
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AIPromptTemplateTests {
    private static let templates = #"""
        templates: [{name: explain, template: '{"messages":[{"role":"user","content":"Explain {{thing}} in {{ language }} {{tone}}"}],"max_tokens":{{limit}}}'}, {name: broken, template: '{"messages":{{x}}'}]
        """#

    private func fixture(_ more: String = "") throws(ConfigurationError) -> GuardFixture {
        try GuardFixture("{name: ai-prompt-template, config: {\(Self.templates)\(more)}}")
    }

    private func call(_ properties: String, name: String = "explain") -> String { "{\"messages\":\"{template://\(name)}\",\"properties\":\(properties)}" }

    @Test func `a template is filled in, values staying values`() async throws {
        let fixture = try self.fixture()
        let (client, record) = try await fixture.post(self.call(#"{"thing":"a \"quote\" and {{tone}}","tone":"\n}],\"x\":1","limit":"7"}"#))
        #expect(client.status == 200)
        #expect(fixture.sentContents == ["Explain a \"quote\" and {{tone}} in {{ language }} \n}],\"x\":1"])
        #expect(fixture.sent?["max_tokens"] as? Int == 7)
        #expect(fixture.sent?["properties"] == nil)
        #expect(GuardFixture.fields(record, "ai-prompt-template request") == ["pellucid.payload.template": "explain"])
    }

    @Test func `a value that stands for a whole value cannot bring structure`() async throws {
        let fixture = try self.fixture()
        #expect(try await fixture.post(self.call(#"{"thing":"a","tone":"b","limit":"1,\"stop\":[2]"}"#)).client.status == 200)
        #expect(fixture.sent?["max_tokens"] as? String == "1,\"stop\":[2]")
        #expect(fixture.sent?["stop"] == nil)
    }

    @Test(arguments: [
        (#"{"messages":"{template://explain}","properties":{"thing":"a"}}"#, "missing template parameters: [tone], [limit]"),
        (#"{"messages":"{template://nope}"}"#, "could not find template name [nope]"),
        (#"{"messages":"{template://explain}","properties":{"thing":1}}"#, "property values must be a string, got number"),
        (#"{"messages":"{template://explain}","properties":[]}"#, "properties must be an object"),
        (#"{"messages":"{template://explain}","prompt":"{template://explain}"}"#, "cannot run 'messages' and 'prompt' templates at the same time"),
        (#"{"input":"x"}"#, "only 'llm/v1/chat' and 'llm/v1/completions' formats are supported for templating"),
        (#"{"messages":"{template://broken}","properties":{"x":"1"}}"#, "the template [broken] does not render to a JSON object"),
    ])
    func `refusals are Kong's`(body: String, message: String) async throws {
        let fixture = try self.fixture()
        let (client, record) = try await fixture.post(body)
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == message)
        #expect(record.root.outcome == .rejected)
        #expect(fixture.sent == nil)
    }

    @Test func `requests without a template pass unless they are refused`() async throws {
        #expect(try await self.fixture().say("hi").client.status == 200)
        let (client, _) = try await self.fixture(", allow_untemplated_requests: false").say("hi")
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == "this LLM route only supports templated requests")
    }

    @Test func `the original request is recorded only when asked`() async throws {
        let body = self.call(#"{"thing":"a","tone":"b","limit":"1"}"#)
        #expect(GuardFixture.fields(try await self.fixture().post(body).record, "ai-prompt-template request")["pellucid.payload.original_request"] == nil)
        let logged = try await self.fixture(", log_original_request: true").post(body)
        #expect(GuardFixture.fields(logged.record, "ai-prompt-template request")["pellucid.payload.original_request"] == body)
    }

    @Test func `two templates of one name are refused`() {
        let config = "{templates: [{name: a, template: x}, {name: a, template: y}]}"
        let problems = EngineFixture.problems("services: [{name: s, url: \"http://h/\", plugins: [{name: ai-prompt-template, config: \(config)}]}]", plugins: PluginRegistrations.all)
        #expect(problems.count == 1 && problems[0].contains("names a template already"), "\(problems)")
    }
}
