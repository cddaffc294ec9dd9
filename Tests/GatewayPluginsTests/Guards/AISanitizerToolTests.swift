import Foundation
import GatewayCore
import GatewayTestSupport
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// What tools are called with, in prompts and answers; and what cannot be looked at.
@Suite struct AISanitizerToolTests {
    private func fixture(_ config: String) throws(ConfigurationError) -> GuardFixture { try GuardFixture("{name: ai-sanitizer, config: {\(config)}}") }
    private func fields(_ record: RecordedRequest, _ phase: String) -> [String: String] { GuardFixture.fields(record, "ai-sanitizer \(phase)") }

    private static func event(_ delta: String, finish: String = "null") -> String { "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":\(delta),\"finish_reason\":\(finish)}]}\n\n" }
    private static func call(_ arguments: String, opens: Bool) -> String {
        let name = opens ? "\"id\":\"call_1\",\"type\":\"function\"," : ""
        return "{\"tool_calls\":[{\"index\":0,\(name)\"function\":{\(opens ? "\"name\":\"mail\"," : "")\"arguments\":\(GuardFixture.quoted(arguments))}}]}"
    }

    /// A tool call as a client puts it together: texts of a member one behind the other.
    private static func call(_ client: FakeExchange) -> (id: String, name: String, arguments: String) {
        var call = (id: "", name: "", arguments: "")
        for event in client.content.joined().components(separatedBy: "\n\n") {
            guard event.hasPrefix("data: {"), let object = try? JSONSerialization.jsonObject(with: Data(event.dropFirst(6).utf8)) as? NSDictionary else { continue }
            let delta = (object["choices"] as? [NSDictionary])?.first?["delta"] as? NSDictionary
            guard let piece = (delta?["tool_calls"] as? [NSDictionary])?.first, let function = piece["function"] as? NSDictionary else { continue }
            call.id += piece["id"] as? String ?? ""
            call.name += function["name"] as? String ?? ""
            call.arguments += function["arguments"] as? String ?? ""
        }
        return call
    }

    private static let arguments = #"{"to":"\nbob@example.org","from":"\"PLACEHOLDER1\"","u":"https:\/\/intra.corp\/x","card":4111111111111111,"\u0041":"\ud83d\ude00"}"#
    private static let cleaned = ["to": "\nPLACEHOLDER2", "from": "\"a@example.com\"", "u": "PLACEHOLDER3", "card": "PLACEHOLDER4", "A": "😀"]

    @Test func `a streamed call is whole JSON without others' data wherever it is cut`() async throws {
        let body = GuardFixture.chat([("user", "I am a@example.com")], stream: true)
        for cut in 0...Self.arguments.count {
            let fixture = try self.fixture("anonymize: [email, url, creditcard], sanitization_mode: BOTH")
            let pieces = [Self.arguments.prefix(cut), Self.arguments.dropFirst(cut).prefix(4), Self.arguments.dropFirst(cut + 4)].enumerated()
            let events = pieces.map { Self.event(Self.call(String($0.element), opens: $0.offset == 0)) }
            let (client, _) = try await fixture.stream(body, pieces: events + [Self.event("{}", finish: "\"tool_calls\""), "data: [DONE]\n\n"])
            let call = Self.call(client)
            #expect(call.id == "call_1" && call.name == "mail")
            #expect((try JSONSerialization.jsonObject(with: Data(call.arguments.utf8)) as? [String: String]) == Self.cleaned, "cut at \(cut): \(call.arguments)")
            for secret in ["bob", "ple.org", "intra", "4111"] { #expect(!client.content.joined().contains(secret), "\(secret), cut at \(cut)") }
        }
    }

    @Test(arguments: ["INPUT", "BOTH"]) func `a call that comes in one event is not begun twice`(mode: String) async throws {
        let fixture = try self.fixture("anonymize: [email], sanitization_mode: \(mode)")
        let events = [Self.event(Self.call(#"{"to":"PLACEHOLDER1"}"#, opens: true)), Self.event("{}", finish: "\"tool_calls\""), "data: [DONE]\n\n"]
        let call = Self.call(try await fixture.stream(GuardFixture.chat([("user", "I am a@example.com")], stream: true), pieces: events).client)
        #expect(call.id == "call_1" && call.name == "mail" && call.arguments == #"{"to":"a@example.com"}"#)
    }

    @Test func `a whole answer's call and JSON content are cleaned behind their escapes`() async throws {
        let fixture = try self.fixture("anonymize: [email, url, creditcard], sanitization_mode: BOTH")
        let answer = "{\"choices\":[{\"index\":0,\"message\":{\"content\":\(GuardFixture.quoted(Self.arguments)),\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\(GuardFixture.quoted(Self.arguments))}}]}}]}"
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "I am a@example.com")]), answer: answer)
        let message = (GuardFixture.json(client)?["choices"] as? [NSDictionary])?.first?["message"] as? NSDictionary
        let function = (message?["tool_calls"] as? [NSDictionary])?.first?["function"] as? NSDictionary
        for text in [message?["content"] as? String, function?["arguments"] as? String] {
            let text = try #require(text)
            #expect((try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]) == Self.cleaned, "\(text)")
        }
        #expect(self.fields(record, "response")["pellucid.sanitizer.restored_count"] == "2")
    }

    @Test func `a prompt's tool calls and results are searched behind their escapes, and stay JSON`() async throws {
        let fixture = try self.fixture("anonymize: [email, creditcard]")
        let arguments = #"{"to":"\nana@x.com","n":"\n4111 1111 1111 1111"}"#, result = #"{"from":"eva\u0040x.com","card":4111111111111111}"#
        let call = "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\(GuardFixture.quoted(arguments))}}]}"
        _ = try await fixture.post("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},\(call),{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\(GuardFixture.quoted(result))}]}")
        let messages = try #require(fixture.sent?["messages"] as? [NSDictionary])
        let function = (messages[1]["tool_calls"] as? [NSDictionary])?.first?["function"] as? NSDictionary
        #expect(function?["arguments"] as? String == #"{"to":"\nPLACEHOLDER1","n":"\nPLACEHOLDER2"}"#)
        #expect(messages[2]["content"] as? String == #"{"from":"PLACEHOLDER3","card":"PLACEHOLDER4"}"#)
    }

    @Test func `the outside service sees what escapes stand for, and each string by itself`() async throws {
        let fixture = try self.fixture("host: pii.test")
        fixture.engine.http.on("http://pii.test") { call in
            let texts = ((try? JSONSerialization.jsonObject(with: Data(call.text.utf8))) as? NSDictionary)?["text"] as? [NSDictionary] ?? []
            let answer = texts.map { text -> String in
                var said = text["text"] as? String ?? "", items: [String] = []
                for (number, datum) in ["bob@x.org", "O\"Neil", "4111111111111111"].enumerated() where said.contains(datum) && (datum.first != "4" || said.contains("card")) {
                    said = said.replacing(datum, with: "PLACEHOLDER\(number + 1)")
                    items.append("{\"entity_type\":\"CUSTOM\",\"original_text\":\(GuardFixture.quoted(datum)),\"redact_text\":\"PLACEHOLDER\(number + 1)\"}")
                }
                return "{\"msg_id\":\(text["msg_id"] ?? 0),\"sanitized_text\":\(GuardFixture.quoted(said)),\"analyzer_results\":[\(items.joined(separator: ","))]}"
            }
            return .success(HTTPAnswer(status: 200, body: .init(string: "{\"text\":[\(answer.joined(separator: ","))]}")))
        }
        let arguments = #"{"to":"\nbob\u0040x.org","name":"O\"Neil","card":4111111111111111,"n":4111111111111}"#
        let call = "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\(GuardFixture.quoted(arguments))}}]}"
        let (_, record) = try await fixture.post("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},\(call)]}")
        let function = ((fixture.sent?["messages"] as? [NSDictionary])?.last?["tool_calls"] as? [NSDictionary])?.first?["function"] as? NSDictionary
        #expect(function?["arguments"] as? String == #"{"to":"\nPLACEHOLDER1","name":"PLACEHOLDER2","card":"PLACEHOLDER3","n":4111111111111}"#)
        #expect(self.fields(record, "request")["pellucid.sanitizer.pii_identified"] == "3", "what is found in a string and in the whole counts once")
    }

    @Test(arguments: [false, true]) func `a service that counts anew for the answer does not take the client's place`(isStream: Bool) async throws {
        let fixture = try self.fixture("host: pii.test, sanitization_mode: BOTH")
        fixture.engine.http.on("http://pii.test") { call in
            let texts = ((try? JSONSerialization.jsonObject(with: Data(call.text.utf8))) as? NSDictionary)?["text"] as? [NSDictionary] ?? []
            let answer = texts.map { text -> String in
                let said = text["text"] as? String ?? "", name = said.contains("Bob") ? "Bob" : "Emil"
                let item = "{\"entity_type\":\"PERSON\",\"original_text\":\"\(name)\",\"redact_text\":\"PLACEHOLDER1\"}"
                return "{\"msg_id\":\(text["msg_id"] ?? 0),\"sanitized_text\":\(GuardFixture.quoted(said.replacing(name, with: "PLACEHOLDER1"))),\"analyzer_results\":[\(item)]}"
            }
            return .success(HTTPAnswer(status: 200, body: .init(string: "{\"text\":[\(answer.joined(separator: ","))]}")))
        }
        let body = GuardFixture.chat([("user", "I am Emil")], stream: isStream), said = "PLACEHOLDER1 knows Bob"
        let (client, record) =
            if isStream {
                try await fixture.stream(body, pieces: [Self.event("{\"content\":\"\(said)\"}"), Self.event("{}", finish: "\"stop\""), "data: [DONE]\n\n"])
            } else { try await fixture.post(body, answer: "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"\(said)\"}}]}") }
        #expect(fixture.sentContents == ["I am PLACEHOLDER1"])
        #expect(client.content.joined().contains("\"Emil knows PLACEHOLDER1\""), "\(client.content.joined())")
        #expect(self.fields(record, isStream ? "stream" : "response")["pellucid.sanitizer.restored_count"] == "1")
    }

    @Test func `texts beside the messages do not hide the last message`() async throws {
        let fixture = try self.fixture("anonymize: [email], allow_all_conversation_history: false")
        _ = try await fixture.post(#"{"messages":[{"role":"user","content":"a@example.com"},{"role":"user","content":"b@example.com"}],"instructions":"c@example.com"}"#)
        #expect(fixture.sentContents == ["a@example.com", "PLACEHOLDER1"])
    }

    // MARK: What cannot be looked at

    /// Backtracks beyond its step limit on `aaa…`.
    private static let endless = "anonymize: [custom], custom_patterns: [{name: n, regex: '(a+)+[bc]'}], sanitization_mode: OUTPUT"
    private static let said = String(repeating: "a", count: 40)
    private static let events = [event("{\"content\":\"\(said)\"}"), event("{}", finish: "\"stop\""), "data: [DONE]\n\n"]

    @Test func `a stream that patterns cannot get through ends, or passes visibly`() async throws {
        let body = GuardFixture.chat([("user", "hello")], stream: true)
        let (closed, failed) = try await self.fixture(Self.endless).stream(body, pieces: Self.events)
        #expect(!closed.content.joined().contains("aaa") && failed.errorType == "pattern_limit")
        let (open, passed) = try await self.fixture(Self.endless + ", stop_on_error: false").stream(body, pieces: Self.events)
        #expect(open.content.joined().contains(Self.said) && open.content.joined().hasSuffix("data: [DONE]\n\n"))
        #expect(self.fields(passed, "stream")["pellucid.sanitizer.error"] == "pattern_limit")
    }

    @Test func `an event that is no JSON ends a stream that is to be cleaned, or passes visibly`() async throws {
        let body = GuardFixture.chat([("user", "hello")], stream: true), pieces = ["data: mail bob@example.org\n\n"] + Self.events
        let config = "anonymize: [email], sanitization_mode: OUTPUT"
        let (closed, failed) = try await self.fixture(config).stream(body, pieces: pieces)
        #expect(!closed.content.joined().contains("bob") && failed.errorType == "unreadable_answer")
        let (open, passed) = try await self.fixture(config + ", stop_on_error: false").stream(body, pieces: pieces)
        #expect(open.content.joined().contains("bob") && self.fields(passed, "stream")["pellucid.sanitizer.error"] == "unreadable_answer")
    }

    @Test func `a datum around an event with texts of its own is not torn`() async throws {
        let fixture = try self.fixture("anonymize: [email], sanitization_mode: OUTPUT")
        let annotated = #"{"content":"ple.o","annotations":[{"title":"a page"}]}"#
        let events = [Self.event(#"{"content":"ask bob@exam"}"#), Self.event(annotated), Self.event(#"{"content":"rg now"}"#), Self.event("{}", finish: "\"stop\""), "data: [DONE]\n\n"]
        let (client, _) = try await fixture.stream(GuardFixture.chat([("user", "hello")], stream: true), pieces: events)
        let seen = client.content.joined()
        #expect(seen.contains("ask PLACEHOLDER1 now") && !seen.contains("bob") && !seen.contains("ple.o") && seen.components(separatedBy: "a page").count == 2, "\(seen)")
    }
}
