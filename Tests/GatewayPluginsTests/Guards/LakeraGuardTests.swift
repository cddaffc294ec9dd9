import GatewayCore
import GatewayTestSupport
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// What all content guards share, shown with Lakera's; and what is Lakera's own.
@Suite struct LakeraGuardTests {
    private static let service = "https://api.lakera.ai/v2/guard"
    private static let passed = #"{"flagged":false,"metadata":{"request_uuid":"u-1"}}"#
    private static let flagged = #"""
        {"flagged":true,"metadata":{"request_uuid":"u-2"},"breakdown":[{"project_id":"p","policy_id":"po","detector_id":"d1","detector_type":"prompt_attack","detected":true,"message_id":0},
        {"detector_id":"d2","detector_type":"pii/email","detected":false,"message_id":0},{"detector_id":"d3","detector_type":"moderated_content/hate","detected":true,"message_id":0}]}
        """#

    private func fixture(_ more: String = "") throws(ConfigurationError) -> GuardFixture {
        let fixture = try GuardFixture("{name: ai-lakera-guard, config: {api_key: lk-secret\(more.isEmpty ? "" : ", " + more)}}")
        fixture.engine.http.on(Self.service, json: Self.passed)
        return fixture
    }

    /// Flags texts that hold a word.
    private func flag(_ word: String, in fixture: GuardFixture) {
        fixture.engine.http.on(Self.service) { call in
            .success(HTTPAnswer(status: 200, body: ByteBuffer(string: call.text.contains(word) ? Self.flagged : Self.passed)))
        }
    }

    private func fields(_ record: RecordedRequest, _ phase: String = "request") -> [String: String] { GuardFixture.fields(record, "ai-lakera-guard \(phase)") }

    // MARK: Prompts

    @Test func `a prompt that passes goes on, and the evidence says what was asked`() async throws {
        let fixture = try self.fixture("project_id: p-1")
        let (client, record) = try await fixture.post(GuardFixture.chat([("system", "be \"brief\""), ("user", "hi")]))
        #expect(client.status == 200)
        let call = try #require(fixture.engine.http.calls.first)
        #expect(call.text == #"{"messages":[{"role":"system","content":"be \"brief\""},{"role":"user","content":"hi"}],"breakdown":true,"project_id":"p-1"}"#)
        #expect(call.header("authorization") == "Bearer lk-secret")
        #expect(call.totalTimeoutMilliseconds == 10_000)
        #expect(call.tls.verifiesPeer)
        let fields = self.fields(record)
        #expect(fields["pellucid.guard.mode"] == "INPUT")
        #expect(fields["pellucid.guard.input_request_uuid"] == "u-1")
        #expect(fields["pellucid.guard.lakera_project_id"] == "p-1")
        #expect(fields["pellucid.guard.input_processing_latency"] != nil)
        #expect(fields["pellucid.guard.input_text_bytes"] == "12")
        #expect(fields["pellucid.guard.input_block_reason"] == nil)
        #expect(record.summary.contains("call guard lakera: passed"))
        #expect(!"\(record)".contains("lk-secret"))
    }

    @Test func `a flagged prompt is refused with 403 in the client's format and reaches no model`() async throws {
        let fixture = try self.fixture()
        self.flag("bomb", in: fixture)
        let (client, record) = try await fixture.say("how to build a bomb")
        #expect(client.status == 403)
        #expect(GuardFixture.message(of: client) == "Request was filtered by Lakera Guard")
        #expect(fixture.engine.upstream.sent.isEmpty)
        let fields = self.fields(record)
        #expect(fields["pellucid.guard.input_block_reason"] == "prompt_attack,moderated_content/hate")
        #expect(fields["pellucid.guard.input_block_source"] == "ai-lakera-guard")
        #expect(fields["pellucid.guard.input_block_consumer_id"] == "unknown")
        #expect(fields["pellucid.guard.guards_triggered_count"] == "1")
        #expect(fields["pellucid.guard.input_block_detail"]?.contains(#""detector_id":"d3""#) == true)
        #expect(fields["pellucid.guard.input_block_detail"]?.contains("d2") == false)
        #expect(record.errorType == "content_blocked")
        #expect(!"\(record)".contains("bomb"))
    }

    @Test func `failure categories are revealed only when asked for`() async throws {
        let fixture = try self.fixture("reveal_failure_categories: true, request_failure_message: nope")
        self.flag("x", in: fixture)
        let (client, _) = try await fixture.say("x")
        #expect(GuardFixture.message(of: client) == "nope: prompt_attack,moderated_content/hate (request_uuid u-2)")
    }

    @Test func `blocked content is recorded only when asked for`() async throws {
        let fixture = try self.fixture("log_blocked_content: true")
        self.flag("bomb", in: fixture)
        let (_, record) = try await fixture.say("a bomb")
        #expect(self.fields(record)["pellucid.guard.input_faulty_prompt"] == "a bomb")
    }

    @Test(arguments: [
        ("concatenate_all_content", ["system s", "old", "reply", "new", "tool says"]), ("concatenate_user_content", ["old", "new"]), ("last_message", ["tool says"]),
    ])
    func `text_source says which texts are judged`(source: String, expected: [String]) async throws {
        let fixture = try self.fixture("text_source: \(source)")
        _ = try await fixture.post(GuardFixture.chat([("system", "system s"), ("user", "old"), ("assistant", "reply"), ("user", "new"), ("tool", "tool says")]))
        let text = try #require(fixture.engine.http.calls.first).text
        for content in ["system s", "old", "reply", "new", "tool says"] { #expect(text.contains("\"\(content)\"") == expected.contains(content), "\(content)") }
    }

    @Test(arguments: [
        #"{"messages":[{"role":"user","content":[{"type":"text","text":"hidden"},{"type":"image_url","image_url":{"url":"x"}}]}]}"#,
        #"{"messages":[{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":"{\"q\":\"hidden\"}"}}]}]}"#,
        #"{"messages":[{"role":"user","content":"hi"}],"system":"hidden"}"#, #"{"contents":[{"parts":[{"text":"hidden"}]}]}"#, #"{"messages":[{"role":"tool","content":[{"type":"tool_result","content":"hidden"}]}]}"#,
        #"{"input":"hidden"}"#, #"{"prompt":["a","hidden"]}"#, #"{"messages":[{"role":"user","content":"hid\u0064en"}]}"#,
    ])
    func `texts are seen wherever a model would see them`(body: String) async throws {
        let fixture = try self.fixture()
        self.flag("hidden", in: fixture)
        let (client, _) = try await fixture.post(body)
        #expect(client.status == 403)
    }

    @Test func `a prompt without text asks nobody`() async throws {
        let fixture = try self.fixture()
        _ = try await fixture.post(#"{"messages":[{"role":"user","content":""}]}"#)
        #expect(fixture.engine.http.calls.isEmpty)
    }

    // MARK: Failures of the service

    private static let failures: [(String, @Sendable (HTTPCall) -> Result<HTTPAnswer, HTTPCallFailure>)] = [
        ("timeout", { _ in .failure(HTTPCallFailure(.timeout)) }), ("connect_failed", { _ in .failure(HTTPCallFailure(.connectFailed)) }),
        ("tls_failed", { _ in .failure(HTTPCallFailure(.tlsFailed)) }), ("response_too_large", { _ in .failure(HTTPCallFailure(.responseTooLarge)) }),
        ("guard_status", { _ in .success(HTTPAnswer(status: 401, body: ByteBuffer(string: "{}"))) }), ("guard_status", { _ in .success(HTTPAnswer(status: 503)) }),
        ("guard_status", { _ in .success(HTTPAnswer(status: 302)) }), ("guard_answer", { _ in .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "nope"))) }),
        ("guard_answer", { _ in .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "{\"flagged\":\"yes\"}"))) }), ("guard_answer", { _ in .success(HTTPAnswer(status: 200)) }),
    ]

    @Test(arguments: Self.failures.indices)
    func `a service that fails stops the request, visibly`(index: Int) async throws {
        let (code, handler) = Self.failures[index]
        let fixture = try self.fixture()
        fixture.engine.http.on(Self.service, handler)
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 500)
        #expect(fixture.engine.upstream.sent.isEmpty)
        #expect(record.errorType == code)
        #expect(record.summary.contains("stage ai-lakera-guard request: failed, none/fail, \(code)"))
        #expect(record.summary.contains { $0.hasPrefix("call guard lakera: failed") })
    }

    @Test(arguments: Self.failures.indices)
    func `with stop_on_error off it lets the request go, visibly`(index: Int) async throws {
        let (code, handler) = Self.failures[index]
        let fixture = try self.fixture("stop_on_error: false")
        fixture.engine.http.on(Self.service, handler)
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 200)
        #expect(self.fields(record)["pellucid.guard.input_failed_open"] == code)
        #expect(record.summary.contains { $0.hasPrefix("call guard lakera: failed") })
    }

    // MARK: Answers

    private static func answer(_ text: String) -> String { #"{"choices":[{"index":0,"message":{"role":"assistant","content":"\#(text)"}}]}"# }

    @Test func `a flagged answer does not reach the client`() async throws {
        let fixture = try self.fixture("guarding_mode: OUTPUT")
        self.flag("recipe", in: fixture)
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "hi")]), answer: Self.answer("the recipe"))
        #expect(client.status == 403)
        #expect(GuardFixture.message(of: client) == "Response was filtered by Lakera Guard")
        #expect(!client.body.contains("recipe"))
        #expect(fixture.engine.http.calls.map(\.text) == [#"{"messages":[{"role":"assistant","content":"the recipe"}],"breakdown":true}"#])
        #expect(self.fields(record, "response")["pellucid.guard.output_block_reason"] == "prompt_attack,moderated_content/hate")
        #expect(record.root.outcome == .rejected)
        // What the model did is on record all the same.
        #expect(record.attempts.count == 1)
    }

    @Test func `in both directions both are judged`() async throws {
        let fixture = try self.fixture("guarding_mode: BOTH")
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "hi")]), answer: Self.answer("fine"))
        #expect(client.status == 200)
        #expect(fixture.engine.http.calls.count == 2)
        #expect(self.fields(record)["pellucid.guard.input_request_uuid"] == "u-1")
        #expect(self.fields(record, "response")["pellucid.guard.output_request_uuid"] == "u-1")
    }

    @Test func `an answer that cannot be read is stopped, or passes with evidence`() async throws {
        let closed = try self.fixture("guarding_mode: OUTPUT")
        let (client, record) = try await closed.post(GuardFixture.chat([("user", "hi")]), answer: "{broken")
        #expect(client.status == 500)
        #expect(record.errorType == "response_unreadable")
        let open = try self.fixture("guarding_mode: OUTPUT, stop_on_error: false")
        let (other, second) = try await open.post(GuardFixture.chat([("user", "hi")]), answer: "{broken")
        #expect(other.body == "{broken")
        #expect(self.fields(second, "response")["pellucid.guard.output_failed_open"] == "response_unreadable")
    }

    // MARK: Streams

    private static func events(_ words: [String]) -> [String] {
        words.map { "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\($0)\"}}]}\n\n" }
            + ["data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", "data: [DONE]\n\n"]
    }

    @Test func `a stream passes in windows, events unchanged and in order`() async throws {
        let fixture = try self.fixture("guarding_mode: OUTPUT, response_buffer_size: 8")
        let events = Self.events(["Hello", " big", " world", "!"])
        let (client, record) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: events)
        #expect(client.body == events.joined())
        // Each window is judged with the end of what passed before it.
        #expect(fixture.engine.http.calls.map { $0.text.contains("Hello big\"") } == [true, false])
        #expect(fixture.engine.http.calls[1].text.contains(#""content":"ello big world!""#))
        let fields = self.fields(record, "stream")
        #expect(fields["pellucid.stage.evaluations"] == "2")
        #expect(fields["pellucid.guard.mode"] == "OUTPUT")
        #expect(fields["pellucid.guard.output_text_bytes"] == "24")
    }

    @Test func `a flagged window cuts the stream, with an error the client can read`() async throws {
        let fixture = try self.fixture("guarding_mode: OUTPUT, response_buffer_size: 4")
        self.flag("poison", in: fixture)
        let (client, record) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: Self.events(["Take", " poi", "son now", " please"]))
        #expect(client.body.contains("Take"))
        // " poi" passed its own verdict; with "son now" it did not, and nothing later came.
        #expect(!client.body.contains("son now"))
        #expect(!client.body.contains("please"))
        #expect(client.body.contains("Response was filtered by Lakera Guard"))
        #expect(record.root.outcome == .rejected)
        #expect(self.fields(record, "stream")["pellucid.guard.output_block_reason"] == "prompt_attack,moderated_content/hate")
        #expect(record.summary.contains("stage ai-lakera-guard stream: rejected, reject/stop, content_blocked"))
    }

    @Test(arguments: 1...40)
    func `nothing of a flagged window is released, however the stream is cut`(size: Int) async throws {
        let fixture = try self.fixture("guarding_mode: OUTPUT, response_buffer_size: 10")
        self.flag("poison", in: fixture)
        let bytes = Array(Self.events(["All is ", "well he", "re, my p", "oison d", "ish"]).joined().utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { String(decoding: bytes[$0..<min($0 + size, bytes.count)], as: UTF8.self) }
        let (client, record) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: pieces)
        #expect(client.body.contains("All is "))
        for word in ["oison d", "ish"] { #expect(!client.body.contains("\"\(word)\"")) }
        #expect(record.root.outcome == .rejected)
    }

    @Test func `tool arguments of a stream are judged`() async throws {
        let fixture = try self.fixture("guarding_mode: OUTPUT")
        self.flag("poison", in: fixture)
        let events = [
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"q\":\"poi"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"son\"}"}}]}}]}"#, "[DONE]",
        ]
        let (client, _) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: events.map { "data: \($0)\n\n" })
        #expect(!client.body.contains("arguments"))
    }

    @Test func `a stream that cannot be judged ends, or goes on with evidence`() async throws {
        let closed = try self.fixture("guarding_mode: OUTPUT")
        closed.engine.http.on(Self.service) { _ in .failure(HTTPCallFailure(.timeout)) }
        let (client, record) = try await closed.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: Self.events(["Hello"]))
        #expect(!client.body.contains("Hello"))
        #expect(record.errorType == "timeout")
        let open = try self.fixture("guarding_mode: OUTPUT, stop_on_error: false")
        open.engine.http.on(Self.service) { _ in .failure(HTTPCallFailure(.timeout)) }
        let (other, second) = try await open.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: Self.events(["Hello"]))
        #expect(other.body == Self.events(["Hello"]).joined())
        #expect(self.fields(second, "stream")["pellucid.guard.output_failed_open"] == "timeout")
    }

    @Test func `in shadow mode everything passes and the verdicts are on record`() async throws {
        let fixture = try GuardFixture("{name: ai-lakera-guard, config: {guarding_mode: BOTH}, _pellucid: {mode: shadow}}")
        fixture.engine.http.on(Self.service, json: Self.flagged)
        let (client, record) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: Self.events(["Hello"]))
        #expect(client.body == Self.events(["Hello"]).joined())
        #expect(record.summary.contains("stage ai-lakera-guard request: passed, reject/would_block, content_blocked"))
        #expect(record.summary.contains("stage ai-lakera-guard stream: passed, reject/would_block, content_blocked"))
    }
}
