import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct SplitTestTests {
    private typealias Fixture = AdvancedFixture
    private static let split = "split: {sticky_on_header: X-User, groups: [{name: control, share: 80, targets: [openai/a]}, {name: trial, share: 20, targets: [openai/b, openai/c]}]}"

    @Test func `a client stays in its group, and groups have their shares`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b", "openai/c"], own: Self.split)
        var members = 0
        for user in 0..<400 {
            var groups: Set<String> = []
            for _ in 0..<2 {
                let (_, record) = try await fixture.send(headers: [("X-User", "user-\(user)")], [Fixture.ok()])
                let group = record.scopes[0].fields["pellucid.balancer.group"] ?? ""
                groups.insert(group)
                #expect((group == "control") == (fixture.hosts.last == "a"))
            }
            #expect(groups.count == 1)
            if groups.contains("trial") { members += 1 }
        }
        // 80 of 400, 3.3 standard deviations of 8 to either side.
        #expect(members > 53 && members < 107, "\(members)")
    }

    @Test func `a group without a target in service is served by the others`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b", "openai/c"], balancer: "max_fails: 1", own: Self.split)
        for user in 0..<40 {
            let (client, _) = try await fixture.send(headers: [("X-User", "user-\(user)")], [user == 0 ? .fail(.connectRefused) : Fixture.ok(), Fixture.ok()])
            #expect(client.status == 200)
        }
    }

    @Test func `groups name targets that there are`() {
        let problems = AdvancedFixture.problems(
            ["openai/a"], own: "split: {groups: [{name: x, share: 1, targets: [openai/a]}, {name: y, share: 1, targets: [openai/z]}]}")
        #expect(problems.count == 1)
        #expect(problems[0].contains("split.groups[1].targets[0]") && problems[0].contains("there is no target \"openai/z\""), "\(problems)")
    }
}

@Suite struct MirrorTests {
    private typealias Fixture = AdvancedFixture
    private static let shadow = "{route_type: llm/v1/chat, auth: {header_name: X-Key, header_value: sk-shadow}, model: {provider: openai, name: s, options: {upstream_url: \"http://s.test/v1\"}}}"

    @Test func `a copy goes to the other target, whose answer nobody gets`() async throws {
        let fixture = try Fixture(["openai/a", Self.shadow], own: "mirror: {target: openai/s}")
        fixture.engine.http.on("http://s.test/", status: 503, json: "{\"error\":\"shadow\"}")
        for _ in 0..<3 {
            let (client, record) = try await fixture.send(headers: [("X-Client-Secret", "mine")], [Fixture.ok("{\"own\":1}")])
            #expect(client.body == "{\"own\":1}")
            #expect(record.scopes[0].fields["pellucid.balancer.mirrored"] == "openai/s")
        }
        #expect(fixture.hosts == ["a", "a", "a"])
        let registry = fixture.engine.registry
        let copies = { registry.observations("pellucid.balancer.mirror.duration", where: ["role": "copy", "error.type": "503", "pellucid.balancer.target": "openai/s"]).count }
        while copies() < 3 { await Task.yield() }
        #expect(registry.observations("pellucid.balancer.mirror.duration", where: ["role": "original", "error.type": ""]).count == 3)
        let calls = fixture.engine.http.calls
        #expect(calls.allSatisfy { $0.header("x-key") == "sk-shadow" && $0.header("x-client-secret") == nil && $0.text.contains("\"model\":\"s\"") })
    }

    @Test func `a share of the requests is mirrored`() async throws {
        let fixture = try Fixture(["openai/a", Self.shadow], own: "mirror: {target: openai/s, percent: 25}")
        var mirrored = 0
        for _ in 0..<400 {
            let (_, record) = try await fixture.send([Fixture.ok()])
            if record.scopes[0].fields["pellucid.balancer.mirrored"] != nil { mirrored += 1 }
        }
        #expect(mirrored > 70 && mirrored < 130, "\(mirrored)")
    }

    @Test func `the mirror is a target beside others`() {
        let alone = AdvancedFixture.problems(["openai/a"], own: "mirror: {target: openai/a}")
        #expect(alone.count == 1 && alone[0].contains("_pellucid.balancer.mirror.target"), "\(alone)")
    }
}

@Suite struct AILLMAsJudgeTests {
    private typealias Fixture = AdvancedFixture

    /// ai-proxy-advanced by accuracy, with a judge on the same route.
    private func engine(judge: String = "") throws(ConfigurationError) -> EngineFixture {
        let targets = ["a", "b"].map { "{route_type: llm/v1/chat, model: {provider: openai, name: \($0), options: {upstream_url: \"http://\($0).test/v1\"}}}" }
        let llm = """
            {route_type: llm/v1/chat, auth: {header_name: Authorization, header_value: Bearer sk-judge}, model: {provider: openai, name: strict, \
            options: {upstream_url: "http://judge.test/v1", max_tokens: 5, temperature: 2}}}
            """
        return try EngineFixture(
            """
            services:
            - name: llm
              url: http://unused.test/
              routes:
              - name: chat
                paths: [/chat]
                plugins:
                - {name: ai-proxy-advanced, config: {targets: [\(targets.joined(separator: ", "))], balancer: {algorithm: lowest-usage, tokens_count_strategy: llm-accuracy}}}
                - {name: ai-llm-as-judge, config: {llm: \(llm)\(judge.isEmpty ? "" : ", " + judge)}}
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
    }

    private func send(_ engine: EngineFixture, _ body: String, _ reply: FakeUpstream.Reply) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange("POST", "/chat", headers: [("Host", "h"), ("Content-Type", "application/json")], body: [.bytes(body)])
        engine.upstream.replies = [reply]
        return (exchange, try await engine.serve(exchange))
    }

    private static let conversation = """
        {"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"first"},{"role":"assistant","content":"reply"},{"role":"user","content":"second"}]}
        """
    private static func verdict(_ text: String) -> String { "{\"choices\":[{\"message\":{\"content\":\"\(text)\"}}]}" }
    private static func answer(_ text: String = "42") -> FakeUpstream.Reply { AdvancedFixture.ok("{\"choices\":[{\"message\":{\"content\":\"\(text)\"}}]}") }

    @Test func `an answer is scored, and the score is evidence`() async throws {
        let engine = try self.engine()
        engine.http.on("http://judge.test/", json: Self.verdict(" 87."))
        let (client, record) = try await self.send(engine, Self.conversation, Self.answer())
        #expect(client.status == 200)
        let call = try #require(engine.http.calls.first)
        #expect(call.header("authorization") == "Bearer sk-judge")
        #expect(call.text.contains("\"model\":\"strict\"") && call.text.contains("\"max_tokens\":5"))
        #expect(call.text.contains("second") && call.text.contains("42"))
        for hidden in ["first", "reply", "be brief"] { #expect(!call.text.contains(hidden)) }
        let fields = try #require(record.scopes.first { $0.stage == "ai-llm-as-judge response" }?.fields)
        #expect(fields["pellucid.ai_llm_as_judge.usage.llm_accuracy"] == "87")
        #expect(fields["pellucid.ai_llm_as_judge.meta.request_mode"] == "oneshot")
    }

    @Test func `history and roles are shown as configured`() async throws {
        let engine = try self.engine(judge: "message_countback: 3, ignore_assistant_prompts: false, ignore_system_prompts: false")
        engine.http.on("http://judge.test/", json: Self.verdict("50"))
        _ = try await self.send(engine, Self.conversation, Self.answer())
        let text = try #require(engine.http.calls.first).text
        for shown in ["first", "reply", "second", "be brief"] { #expect(text.contains(shown)) }
    }

    @Test func `a stream is scored at its end`() async throws {
        let engine = try self.engine()
        engine.http.on("http://judge.test/", json: Self.verdict("13"))
        let events = ["{\"choices\":[{\"delta\":{\"content\":\"for\"}}]}", "{\"choices\":[{\"delta\":{\"content\":\"ty\"}}]}", "[DONE]"].map { "data: \($0)\n\n" }.joined()
        let (client, record) = try await self.send(engine, #"{"stream":true,"messages":[{"role":"user","content":"q"}]}"#, AdvancedFixture.stream([.bytes(events)]))
        #expect(client.body == events)
        #expect(try #require(engine.http.calls.first).text.contains("forty"))
        #expect(record.scopes.first { $0.stage == "ai-llm-as-judge stream" }?.fields["pellucid.ai_llm_as_judge.usage.llm_accuracy"] == "13")
    }

    @Test func `scores lead requests to the better target`() async throws {
        let engine = try self.engine()
        engine.http.on("http://judge.test/") { call in
            .success(HTTPAnswer(status: 200, body: .init(string: Self.verdict(call.text.contains("good") ? "90" : "20"))))
        }
        for _ in 0..<60 {
            let exchange = try FakeExchange("POST", "/chat", headers: [("Host", "h"), ("Content-Type", "application/json")], body: [.bytes(Self.conversation)])
            // The answer depends on the target, which is known only when it is asked: both lie ready.
            let asked = engine.upstream.sent.count
            engine.upstream.answers = { request in Self.answer(request.endpoint.host == "b.test" ? "good" : "bad") }
            _ = try await engine.serve(exchange)
            #expect(engine.upstream.sent.count == asked + 1)
        }
        let late = engine.upstream.sent.suffix(40).map { $0.request.endpoint.host }
        #expect(late.filter { $0 == "b.test" }.count > 30, "\(late)")
    }

    @Test(arguments: ["no number", "0", "101", ""])
    func `a judge without a score costs the client nothing`(text: String) async throws {
        let engine = try self.engine()
        engine.http.on("http://judge.test/", json: Self.verdict(text))
        let (client, record) = try await self.send(engine, Self.conversation, Self.answer())
        #expect(client.status == 200)
        #expect(record.scopes.first { $0.stage == "ai-llm-as-judge response" }?.fields["pellucid.ai_llm_as_judge.failure"] == "judge_without_score")
        #expect(record.root.outcome == .passed)
    }

    @Test func `only a sample is judged`() async throws {
        let engine = try self.engine(judge: "sampling_rate: 0.25")
        engine.http.on("http://judge.test/", json: Self.verdict("50"))
        for _ in 0..<200 { _ = try await self.send(engine, Self.conversation, Self.answer()) }
        #expect(engine.http.calls.count > 40 && engine.http.calls.count < 60, "\(engine.http.calls.count)")
    }
}
