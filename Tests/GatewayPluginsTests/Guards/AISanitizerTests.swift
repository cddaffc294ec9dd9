import Foundation
import GatewayCore
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AISanitizerTests {
    private func fixture(_ config: String = "anonymize: [email, phone, creditcard]", more: String = "") throws(ConfigurationError) -> GuardFixture {
        try GuardFixture("{name: ai-sanitizer, config: {\(config)}\(more)}")
    }

    private func fields(_ record: RecordedRequest, _ phase: String = "request") -> [String: String] { GuardFixture.fields(record, "ai-sanitizer \(phase)") }

    private static let text = "I am a@example.com, call (555) 123-4567 or write to a@example.com"
    private static let redacted = "I am PLACEHOLDER1, call PLACEHOLDER2 or write to PLACEHOLDER1"

    @Test func `what a tool was called with is searched behind its escapes`() async throws {
        let fixture = try self.fixture("anonymize: [general]")
        let call = #"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"weather","arguments":"{\"city\": \"\\u0141\\u00f3d\\u017a\", \"unit\": \"\\u00b0C\"}"}}]}"#
        _ = try await fixture.post("{\"messages\":[{\"role\":\"user\",\"content\":\"weather?\"},\(call)]}")
        let message = (fixture.sent?["messages"] as? [NSDictionary])?.last
        let function = (message?["tool_calls"] as? [NSDictionary])?.first?["function"] as? NSDictionary
        #expect(function?["arguments"] as? String == #"{"city": "PLACEHOLDER1", "unit": "\u00b0C"}"#)
    }

    @Test func `the provider sees placeholders, the same for the same original, and the client its own data`() async throws {
        let fixture = try self.fixture()
        let answer = #"{"choices":[{"index":0,"message":{"role":"assistant","content":"Dear PLACEHOLDER1: \"PLACEHOLDER2\" – PLACEHOLDER3"}}],"usage":{"total_tokens":3}}"#
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", Self.text)]), answer: answer)
        #expect(fixture.sentContents == [Self.redacted])
        let content = client.content.joined()
        #expect(content == answer.replacing("PLACEHOLDER1", with: "a@example.com").replacing("PLACEHOLDER2", with: "(555) 123-4567"))
        #expect(self.fields(record)["pellucid.sanitizer.pii_identified"] == "3")
        #expect(self.fields(record)["pellucid.sanitizer.pii_sanitized"] == "3")
        #expect(self.fields(record)["pellucid.sanitizer.entity_types"] == "PHONE_NUMBER,EMAIL_ADDRESS")
        #expect(self.fields(record, "response") == ["pellucid.sanitizer.restored_count": "2", "pellucid.sanitizer.unknown_placeholder_count": "1"])
        for scope in record.scopes { #expect(!scope.fields.values.contains { $0.contains("example.com") || $0.contains("555") }) }
    }

    @Test func `originals are escaped as often as the place they come back to needs`() async throws {
        let fixture = try self.fixture("anonymize: [custom], custom_patterns: [{name: q, regex: 'X\"\\\\Y'}]")
        let answer = #"{"choices":[{"message":{"content":"PLACEHOLDER1","tool_calls":[{"function":{"name":"f","arguments":"{\"q\":\"PLACEHOLDER1\"}"}}]}}]}"#
        let (client, _) = try await fixture.post(GuardFixture.chat([("user", #"see X"\Y"#)]), answer: answer)
        #expect(fixture.sentContents == ["see PLACEHOLDER1"])
        let message = ((GuardFixture.json(client)?["choices"] as? [NSDictionary])?.first?["message"]) as? NSDictionary
        #expect(message?["content"] as? String == #"X"\Y"#)
        let call = (message?["tool_calls"] as? [NSDictionary])?.first?["function"] as? NSDictionary
        let arguments = try #require(call?["arguments"] as? String)
        #expect((try JSONSerialization.jsonObject(with: Data(arguments.utf8)) as? [String: String]) == ["q": #"X"\Y"#])
    }

    private static func event(_ content: String, finish: String? = nil) -> String {
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\(GuardFixture.quoted(content))},\"finish_reason\":\(finish.map { "\"\($0)\"" } ?? "null")}]}\n\n"
    }

    /// The content of a stream as a client puts it together.
    private static func content(_ client: FakeExchange) -> String {
        client.content.joined().components(separatedBy: "\n\n").compactMap { event -> String? in
            guard event.hasPrefix("data: {"), let object = try? JSONSerialization.jsonObject(with: Data(event.dropFirst(6).utf8)) as? NSDictionary else { return nil }
            let choice = (object["choices"] as? [NSDictionary])?.first
            return (choice?["delta"] as? NSDictionary)?["content"] as? String
        }.joined()
    }

    @Test func `a placeholder comes back wherever the stream is cut`() async throws {
        let original = Self.text + " PLACEHOLDE"
        let model = Self.redacted + " PLACEHOLDE"
        for first in 0...model.count {
            let second = min(model.count, first + 3)
            let pieces = [String(model.prefix(first)), String(model.dropFirst(first).prefix(second - first)), String(model.dropFirst(second))]
            let fixture = try self.fixture()
            let (client, record) = try await fixture.stream(
                GuardFixture.chat([("user", Self.text)], stream: true), pieces: pieces.map { Self.event($0) } + [Self.event("", finish: "stop"), "data: [DONE]\n\n"])
            #expect(Self.content(client) == original, "cut at \(first)")
            #expect(client.content.joined().hasSuffix("data: [DONE]\n\n"))
            #expect(self.fields(record, "stream")["pellucid.sanitizer.restored_count"] == "3")
        }
    }

    @Test func `what is held is given out when a stream ends without a reason, and before another ending`() async throws {
        let fixture = try self.fixture()
        let body = GuardFixture.chat([("user", Self.text)], stream: true)
        #expect(Self.content(try await fixture.stream(body, pieces: [Self.event("to PLACEHOLDER1"), "data: [DONE]\n\n"]).client) == "to a@example.com")
        let ending = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        let (client, _) = try await fixture.stream(body, pieces: [Self.event("to PLACEHOLDER1"), ending, "data: [DONE]\n\n"])
        #expect(Self.content(client) == "to a@example.com")
        let text = client.content.joined()
        let original = try #require(text.range(of: "a@example.com")), end = try #require(text.range(of: "stop"))
        #expect(original.lowerBound < end.lowerBound)
    }

    @Test func `a client's own placeholder keeps its name`() async throws {
        let fixture = try self.fixture()
        _ = try await fixture.say("PLACEHOLDER4 is not a@example.com")
        #expect(fixture.sentContents == ["PLACEHOLDER4 is not PLACEHOLDER5"])
    }

    @Test func `only the last message is looked at where history is left out`() async throws {
        let fixture = try self.fixture("anonymize: [email], allow_all_conversation_history: false")
        _ = try await fixture.post(GuardFixture.chat([("user", "a@example.com"), ("user", "b@example.com")]))
        #expect(fixture.sentContents == ["a@example.com", "PLACEHOLDER1"])
    }

    @Test func `a request with personal data is refused where that is configured`() async throws {
        let fixture = try self.fixture("anonymize: [email, phone], block_if_detected: true")
        let (client, record) = try await fixture.say(Self.text)
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == "PII detected: PHONE_NUMBER (1), EMAIL_ADDRESS (2)")
        #expect(fixture.sent == nil)
        #expect(record.errorType == "pii_detected")
        #expect(self.fields(record)["pellucid.sanitizer.input_block_source"] == "ai-sanitizer")
        #expect(try await fixture.say("nothing here").client.status == 200)
    }

    @Test func `without recovery the answer passes as it is`() async throws {
        let fixture = try self.fixture("anonymize: [email], recover_redacted: false")
        let answer = #"{"choices":[{"message":{"content":"PLACEHOLDER1"}}]}"#
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "a@example.com")]), answer: answer)
        #expect(client.content.joined() == answer)
        #expect(!record.scopes.contains { $0.stage == "ai-sanitizer response" })
    }

    @Test func `in shadow mode nothing changes and the finding is recorded`() async throws {
        let fixture = try self.fixture(more: ", _pellucid: {mode: shadow}")
        let (_, record) = try await fixture.say(Self.text)
        #expect(fixture.sentContents == [Self.text])
        #expect(self.fields(record)["pellucid.sanitizer.pii_identified"] == "3")
        #expect(record.scopes.first { $0.stage == "ai-sanitizer request" }?.evidence.verdict == .modify)
    }

    @Test(arguments: [
        ("anonymize: [custom]", "custom needs custom_patterns"), ("anonymize: [custom], custom_patterns: [{name: a, regex: \"(\"}]", "is not a valid regular expression"),
        ("scheme: ftp, host: pii", "is neither http nor https"), ("anonymize: [names]", "is not one of"),
    ])
    func `what would not protect is refused`(config: String, problem: String) {
        let problems = EngineFixture.problems("services: [{name: s, url: \"http://h/\", plugins: [{name: ai-sanitizer, config: {\(config)}}]}]", plugins: PluginRegistrations.all)
        #expect(problems.count == 1 && problems[0].contains(problem), "\(problems)")
    }

    @Test func `Kong's default finds names, numbers and secrets`() async throws {
        let fixture = try self.fixture("")
        let (_, record) = try await fixture.say("I am Emily Carter from Boston, password: hunter2!")
        #expect(fixture.sentContents == ["I am PLACEHOLDER1 from PLACEHOLDER2, password: PLACEHOLDER3"])
        #expect(self.fields(record)["pellucid.sanitizer.entity_counts"] == "PERSON:1,LOCATION:1,CREDENTIALS:1")
        #expect(self.fields(record)["pellucid.sanitizer.sanitized_items"] == nil)
    }

    @Test func `originals stand in the evidence only where that is spelt out`() async throws {
        let fixture = try self.fixture("anonymize: [email], skip_logging_sanitized_items: false")
        let (_, record) = try await fixture.say("a@example.com")
        #expect(self.fields(record)["pellucid.sanitizer.sanitized_items"] == #"[{"entity_type":"EMAIL_ADDRESS","original_text":"a@example.com","redact_text":"PLACEHOLDER1"}]"#)
    }

    @Test func `a placeholder the model mangled stays and is counted`() async throws {
        let fixture = try self.fixture()
        let answer = #"{"choices":[{"message":{"content":"Placeholder1, PLACEHOLDER 2, placeholder_1, PLACEHOLDER9"}}]}"#
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", Self.text)]), answer: answer)
        #expect(client.content.joined() == answer)
        #expect(self.fields(record, "response")["pellucid.sanitizer.unknown_placeholder_count"] == "4")
    }
}
