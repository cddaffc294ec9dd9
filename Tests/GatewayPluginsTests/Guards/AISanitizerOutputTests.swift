import Foundation
import GatewayCore
import GatewayTestSupport
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// Answers that are cleaned: whole, streamed, with the client's own data in them, and by the outside service.
@Suite struct AISanitizerOutputTests {
    private func fixture(_ config: String) throws(ConfigurationError) -> GuardFixture { try GuardFixture("{name: ai-sanitizer, config: {\(config)}}") }
    private func fields(_ record: RecordedRequest, _ phase: String) -> [String: String] { GuardFixture.fields(record, "ai-sanitizer \(phase)") }

    private static func answer(_ content: String) -> String { "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\(GuardFixture.quoted(content))}}]}" }
    private static func event(_ content: String, finish: String? = nil) -> String {
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\(GuardFixture.quoted(content))},\"finish_reason\":\(finish.map { "\"\($0)\"" } ?? "null")}]}\n\n"
    }

    /// The content of a stream as a client puts it together.
    private static func content(_ client: FakeExchange) -> String {
        client.content.joined().components(separatedBy: "\n\n").compactMap { event -> String? in
            guard event.hasPrefix("data: {"), let object = try? JSONSerialization.jsonObject(with: Data(event.dropFirst(6).utf8)) as? NSDictionary else { return nil }
            return ((object["choices"] as? [NSDictionary])?.first?["delta"] as? NSDictionary)?["content"] as? String
        }.joined()
    }

    private static func content(ofAnswer client: FakeExchange) -> String? {
        (((GuardFixture.json(client)?["choices"] as? [NSDictionary])?.first?["message"]) as? NSDictionary)?["content"] as? String
    }

    private static let said = "Write to Peter Miller, bob@example.org. He lives in Hamburg! Call (555) 123-4567, or me at a@example.com.\nThe end."
    private static let secrets = ["Peter", "Miller", "bob@example.org", "Hamburg", "123-4567"]

    @Test func `what a model says of others does not reach the client, and prompts pass as they are`() async throws {
        let fixture = try self.fixture("sanitization_mode: OUTPUT")
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "I am a@example.com")]), answer: Self.answer("Ask Peter Miller at bob@example.org."))
        #expect(fixture.sentContents == ["I am a@example.com"])
        #expect(Self.content(ofAnswer: client) == "Ask PLACEHOLDER1 at PLACEHOLDER2.")
        #expect(self.fields(record, "response")["pellucid.sanitizer.output_entity_counts"] == "PERSON:1,EMAIL_ADDRESS:1")
        #expect(self.fields(record, "response")["pellucid.sanitizer.output_pii_sanitized"] == "2")
        for scope in record.scopes { #expect(!scope.fields.values.contains { $0.contains("example.") || $0.contains("Miller") }) }
    }

    @Test func `in both directions the client gets its own data back and nobody else's`() async throws {
        let fixture = try self.fixture("anonymize: [general, email, phone], sanitization_mode: BOTH")
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "I am a@example.com")]), answer: Self.answer("PLACEHOLDER1 is yours, bob@example.org is his."))
        #expect(fixture.sentContents == ["I am PLACEHOLDER1"])
        #expect(Self.content(ofAnswer: client) == "a@example.com is yours, PLACEHOLDER2 is his.")
        #expect(self.fields(record, "response")["pellucid.sanitizer.restored_count"] == "1")
    }

    @Test(arguments: ["OUTPUT", "BOTH"]) func `wherever a stream is cut, the client gets the same and nothing before it was looked at`(mode: String) async throws {
        let prompt = mode == "BOTH" ? "I am a@example.com" : "hello"
        let model = mode == "BOTH" ? Self.said.replacing("a@example.com", with: "PLACEHOLDER1") : Self.said
        var first: String?
        for cut in stride(from: 0, through: model.count, by: 1) {
            let fixture = try self.fixture("anonymize: [general, email, phone], sanitization_mode: \(mode)")
            let second = min(model.count, cut + 5)
            let pieces = [model.prefix(cut), model.dropFirst(cut).prefix(second - cut), model.dropFirst(second)].map { Self.event(String($0)) }
            let (client, record) = try await fixture.stream(GuardFixture.chat([("user", prompt)], stream: true), pieces: pieces + [Self.event("", finish: "stop"), "data: [DONE]\n\n"])
            let content = Self.content(client)
            if first == nil { first = content }
            #expect(content == first, "cut at \(cut)")
            for secret in Self.secrets { #expect(!client.content.joined().contains(secret), "\(secret), cut at \(cut)") }
            #expect(content.contains("a@example.com") == (mode == "BOTH"), "\(content)")
            #expect(self.fields(record, "stream")["pellucid.sanitizer.output_pii_identified"] == (mode == "BOTH" ? "4" : "5"))
        }
        #expect(first?.hasSuffix("\nThe end.") == true)
    }

    @Test func `a stream that comes byte by byte is held back until it was looked at, and the evidence says how long`() async throws {
        let fixture = try self.fixture("sanitization_mode: OUTPUT")
        let pieces = Self.said.map { Self.event(String($0)) } + [Self.event("", finish: "stop"), "data: [DONE]\n\n"]
        let (client, record) = try await fixture.stream(GuardFixture.chat([("user", "hello")], stream: true), pieces: pieces)
        for secret in Self.secrets { #expect(!Self.content(client).contains(secret)) }
        #expect(self.fields(record, "stream")["pellucid.stage.held_ns"] != nil, "\(self.fields(record, "stream"))")
    }

    @Test func `an event that says more than what is held goes on at once`() async throws {
        let fixture = try self.fixture("sanitization_mode: OUTPUT")
        // Asked for, so that the gateway passes the usage on.
        let body = #"{"messages":[{"role":"user","content":"hello"}],"stream":true,"stream_options":{"include_usage":true}}"#
        let role = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
        let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n\n"
        let (client, _) = try await fixture.stream(
            body, pieces: [role, Self.event("bob@exam"), Self.event("ple.org"), Self.event("", finish: "stop"), usage, "data: [DONE]\n\n"])
        let events = client.content.joined().components(separatedBy: "\n\n").filter { !$0.isEmpty }
        #expect(events.count == 4 && events[0] + "\n\n" == role && events[1].contains("PLACEHOLDER1") && events[2].contains("total_tokens") && events[3] == "data: [DONE]", "\(events)")
    }

    @Test func `OpenAI's Responses say a text in pieces and once more in whole: both are cleaned, alike`() async throws {
        let fixture = try GuardFixture("{name: ai-sanitizer, config: {anonymize: [email], sanitization_mode: OUTPUT}}", route: "llm/v1/responses")
        let part = #"{"type":"output_text","text":"ask bob@example.org now","annotations":[]}"#
        let item = "{\"type\":\"message\",\"id\":\"i\",\"role\":\"assistant\",\"content\":[\(part)]}"
        let call = #"{"type":"function_call","id":"f","call_id":"c","name":"mail","arguments":"{\"to\":\"bob@example.org\"}"}"#
        func delta(_ text: String) -> String {
            "{\"type\":\"response.output_text.delta\",\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"\(text)\",\"logprobs\":[{\"token\":\"\(text)\"}]}"
        }
        let events = [
            #"{"type":"response.created","response":{"id":"r","output":[]}}"#, delta("ask bob@exam"), delta("ple.org n"), delta("ow"),
            #"{"type":"response.output_text.done","item_id":"i","output_index":0,"content_index":0,"text":"ask bob@example.org now"}"#,
            "{\"type\":\"response.content_part.done\",\"output_index\":0,\"content_index\":0,\"part\":\(part)}", "{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":\(item)}",
            "{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[\(item),\(call)],\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}",
        ]
        let (client, record) = try await fixture.stream(#"{"input":"hello","stream":true}"#, pieces: events.map { "data: \($0)\n\n" })
        let seen = client.content.joined()
        #expect(!seen.contains("bob") && !seen.contains("ple.org"))
        let objects = seen.components(separatedBy: "\n\n").compactMap { try? JSONSerialization.jsonObject(with: Data($0.dropFirst(6).utf8)) as? NSDictionary }
        #expect(objects.compactMap { $0["delta"] as? String }.joined() == "ask PLACEHOLDER1 now")
        #expect(objects.compactMap { $0["text"] as? String } == ["ask PLACEHOLDER1 now"])
        #expect(objects.first { $0["type"] as? String == "response.output_text.done" } != nil && objects.last?["type"] as? String == "response.completed")
        let output = (objects.last?["response"] as? NSDictionary)?["output"] as? [NSDictionary]
        #expect(output?.last?["arguments"] as? String == #"{"to":"PLACEHOLDER1"}"#)
        #expect(record.attempts[0].usage.output == 4)
    }

    @Test func `an answer with personal data is refused where that is configured, a stream is cut`() async throws {
        let fixture = try self.fixture("sanitization_mode: OUTPUT, block_if_detected: true")
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "hello")]), answer: Self.answer("bob@example.org"))
        #expect(client.status == 400)
        #expect(record.errorType == "pii_detected")
        #expect(self.fields(record, "response")["pellucid.sanitizer.output_block_source"] == "ai-sanitizer")
        let (streamed, cut) = try await fixture.stream(
            GuardFixture.chat([("user", "hello")], stream: true), pieces: [Self.event("ask bob@example"), Self.event(".org now"), Self.event("", finish: "stop"), "data: [DONE]\n\n"])
        #expect(!streamed.content.joined().contains("bob"))
        #expect(streamed.content.joined().contains("pii_detected") && !streamed.content.joined().contains("[DONE]"))
        #expect(cut.errorType == "pii_detected")
    }

    // MARK: The outside service

    private static let serviceAnswer =
        #"{"text":[{"msg_id":1,"sanitized_text":"I am PLACEHOLDER1","analyzer_results":[{"start":5,"end":9,"entity_type":"PERSON","original_text":"Emil","redact_text":"PLACEHOLDER1"}]}],"identified_pii":["general"],"anonymized_pii":["general"],"detected_languages":["en"],"duration":3}"#

    @Test func `Kong's service is asked where its host is named, and its replacements are undone`() async throws {
        let fixture = try self.fixture("host: pii.test, port: 9000, anonymize: [general, custom], custom_patterns: [{name: n, regex: 'X+', score: 0.9}]")
        fixture.engine.http.on("http://pii.test:9000/llm/v1/sanitize", json: Self.serviceAnswer)
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "I am Emil")]), answer: Self.answer("Hello PLACEHOLDER1"))
        #expect(fixture.sentContents == ["I am PLACEHOLDER1"])
        #expect(Self.content(ofAnswer: client) == "Hello Emil")
        #expect(
            fixture.engine.http.calls.map(\.text) == [
                #"{"text":[{"text":"I am Emil","msg_id":1}],"anonymize":["general","custom"],"options":{"redact_type":"placeholder"},"custom_patterns":[{"name":"n","regex":"X+","score":0.9}]}"#
            ])
        #expect(self.fields(record, "request")["pellucid.sanitizer.entity_counts"] == "PERSON:1")
    }

    @Test(arguments: [(200, "{}"), (500, "{}"), (200, "not json"), (200, #"{"text":[]}"#)])
    func `a service that fails ends the request, or lets it pass visibly`(status: Int, json: String) async throws {
        let strict = try self.fixture("host: pii.test")
        strict.engine.http.on("http://pii.test", status: status, json: json)
        let (client, record) = try await strict.post(GuardFixture.chat([("user", "I am Emil")]))
        #expect(client.status == 500 && strict.sent == nil && record.errorType.hasPrefix("pii_service"), "\(record.errorType)")
        let lenient = try self.fixture("host: pii.test, stop_on_error: false")
        lenient.engine.http.on("http://pii.test", status: status, json: json)
        let (passed, seen) = try await lenient.post(GuardFixture.chat([("user", "I am Emil")]))
        #expect(passed.status == 200 && lenient.sentContents == ["I am Emil"])
        #expect(self.fields(seen, "request")["pellucid.sanitizer.error"]?.hasPrefix("pii_service") == true)
    }

    @Test func `the service cleans streams in windows`() async throws {
        let fixture = try self.fixture("host: pii.test, sanitization_mode: OUTPUT")
        fixture.engine.http.on("http://pii.test") { call in
            let texts = ((try? JSONSerialization.jsonObject(with: Data(call.text.utf8))) as? NSDictionary)?["text"] as? [NSDictionary] ?? []
            let answer = texts.map { text in
                "{\"msg_id\":\(text["msg_id"] ?? 0),\"sanitized_text\":\(GuardFixture.quoted((text["text"] as? String ?? "").replacing("Emil", with: "PLACEHOLDER1"))),\"analyzer_results\":[]}"
            }
            return .success(HTTPAnswer(status: 200, body: .init(string: "{\"text\":[\(answer.joined(separator: ","))]}")))
        }
        let said = "Emil is here. " + String(repeating: "He talks a lot about nothing. ", count: 12) + "Bye, Emil."
        let pieces = said.map { Self.event(String($0)) } + [Self.event("", finish: "stop"), "data: [DONE]\n\n"]
        let (client, _) = try await fixture.stream(GuardFixture.chat([("user", "hello")], stream: true), pieces: pieces)
        #expect(Self.content(client) == said.replacing("Emil", with: "PLACEHOLDER1"))
        #expect(fixture.engine.http.calls.count > 3)
    }
}
