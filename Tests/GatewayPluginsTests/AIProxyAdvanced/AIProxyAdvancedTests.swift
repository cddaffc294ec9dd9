import Foundation
import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AIProxyAdvancedTests {
    private typealias Fixture = AdvancedFixture

    // MARK: Choosing

    @Test func `requests rotate over the targets`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b", "openai/c"])
        for _ in 0..<6 { #expect(try await fixture.send([Fixture.ok()]).client.status == 200) }
        #expect(fixture.hosts == ["a", "b", "c", "a", "b", "c"])
    }

    @Test func `an attempt says which target it went to, why, and of how many`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"])
        let (client, record) = try await fixture.send([Fixture.ok()])
        #expect(client.field("x-kong-llm-model") == "openai/a")
        #expect(client.field("x-pellucid-attempts") == "1")
        let fields = try #require(record.attemptFields.first)
        #expect(fields["pellucid.balancer.algorithm"] == "round-robin")
        #expect(fields["pellucid.balancer.target"] == "openai/a")
        #expect(fields["pellucid.balancer.candidates"] == "2")
        #expect(fields["pellucid.balancer.reason"] == "rotation")
        #expect(fields["pellucid.balancer.skipped"] == nil)
        #expect(fixture.engine.registry.total("pellucid.balancer.selections", where: ["pellucid.balancer.target": "openai/a", "pellucid.route": "chat"]) == 1)
    }

    @Test(arguments: ["consistent-hashing", "least-connections", "lowest-latency", "lowest-usage", "priority", "round-robin"])
    func `every algorithm serves`(algorithm: String) async throws {
        let fixture = try Fixture(["openai/a", "openai/b", "openai/c"], balancer: "algorithm: \(algorithm)")
        for _ in 0..<10 {
            let (client, record) = try await fixture.send([Fixture.ok(#"{"usage":{"prompt_tokens":10,"completion_tokens":5}}"#)])
            #expect(client.status == 200)
            #expect(record.attemptFields[0]["pellucid.balancer.algorithm"] == algorithm)
        }
        #expect(fixture.engine.registry.total("pellucid.balancer.in_flight") == 0)
    }

    @Test func `our own algorithm stands beside Kong's configuration`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], own: "algorithm: power-of-two-choices")
        let (_, record) = try await fixture.send([Fixture.ok()])
        #expect(record.attemptFields[0]["pellucid.balancer.algorithm"] == "power-of-two-choices")
    }

    @Test func `a header's value sticks to one target`() async throws {
        let fixture = try Fixture((0..<8).map { "openai/t\($0)" }, balancer: "algorithm: consistent-hashing, hash_on_header: X-User")
        for user in ["ann", "bob", "cy"] {
            for _ in 0..<5 { _ = try await fixture.send(headers: [("x-user", user)], [Fixture.ok()]) }
        }
        let hosts = fixture.hosts
        for user in 0..<3 { #expect(Set(hosts[(user * 5)..<(user * 5 + 5)]).count == 1) }
        for _ in 0..<30 { _ = try await fixture.send([Fixture.ok()]) }
        #expect(Set(fixture.hosts.suffix(30)).count > 4, "requests without the header spread")
    }

    // MARK: Which targets a request may use

    @Test func `a client's model picks the targets with that alias or name`() async throws {
        let target = { (name: String, alias: String) in
            "{route_type: llm/v1/chat, model: {provider: openai, name: \(name), model_alias: \(alias), options: {upstream_url: \"http://\(name).test/v1\"}}}"
        }
        let fixture = try Fixture([target("big", "powerful"), target("small", "fast"), target("tiny", "fast")])
        for _ in 0..<4 { _ = try await fixture.send(#"{"model":"fast","messages":[{}]}"#, [Fixture.ok()]) }
        #expect(Set(fixture.hosts) == ["small", "tiny"])
        #expect(fixture.engine.upstream.sent.allSatisfy { $0.body.contains(#""model":"small""#) || $0.body.contains(#""model":"tiny""#) })
        let (client, record) = try await fixture.send(#"{"model":"powerful","messages":[{}]}"#, [Fixture.ok()])
        #expect(client.field("x-kong-llm-model") == "openai/big")
        #expect(record.scopes[0].fields["pellucid.balancer.allowed"] == "1")
        let (refused, other) = try await fixture.send(#"{"model":"other","messages":[{}]}"#, [])
        #expect(refused.status == 400)
        #expect(refused.body.contains("big, fast, powerful, small, tiny"))
        #expect(other.errorType == "model_not_allowed")
        #expect(other.attempts.isEmpty)
    }

    @Test func `rules keep requests from targets`() async throws {
        let rules = """
            acls: {deny: [{match: [{type: model, values: [b]}]}], \
            allow: [{match: [{type: header, key: x-team, values: [red]}, {type: model, values: [a, b]}]}, {match: [{type: ip, values: [192.0.2.0/24]}, {type: path, values: [/chat]}, {type: model, values: [c]}]}]}
            """
        let fixture = try Fixture(["openai/a", "openai/b", "openai/c"], more: rules)
        for _ in 0..<4 { _ = try await fixture.send(headers: [("X-Team", "red")], [Fixture.ok()]) }
        #expect(Set(fixture.hosts) == ["a", "c"])
        for _ in 0..<2 { _ = try await fixture.send([Fixture.ok()]) }
        #expect(fixture.hosts.suffix(2) == ["c", "c"])
    }

    @Test(arguments: ["/chat/secret", "/chat/%73ecret", "/chat//secret", "/chat/x/../secret", "/./chat/secret"])
    func `another spelling of a path gets around no rule`(path: String) async throws {
        let fixture = try Fixture(["openai/a"], more: "acls: {deny: [{match: [{type: path, values: ['/chat/secret']}]}]}")
        #expect(try await fixture.send(target: path, []).client.status == 403)
        #expect(fixture.hosts.isEmpty)
    }

    @Test func `a request that no rule lets pass is forbidden`() async throws {
        let fixture = try Fixture(["openai/a"], more: "acls: {allow: [{match: [{type: consumer, key: username, values: [alice]}]}]}")
        let (client, record) = try await fixture.send([])
        #expect(client.status == 403)
        #expect(record.errorType == "target_forbidden")
    }

    // MARK: Failover

    @Test func `a target that cannot be reached is left for the next`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b", "openai/c"])
        let (client, record) = try await fixture.send([.fail(.connectRefused), .fail(.connectTimeout), Fixture.ok()])
        #expect(client.status == 200)
        #expect(fixture.hosts.count == 3)
        #expect(Set(fixture.hosts).count == 3)
        #expect(client.field("x-pellucid-attempts") == "3")
        #expect(record.attempts.map(\.resendCount) == [0, 1, 2])
        #expect(record.attemptTexts.map(\.errorType) == ["connection_refused", "connect_timeout", ""])
        #expect(record.attemptFields[1]["pellucid.balancer.skipped"] == "openai/a:tried")
        #expect(record.root.outcome == .passed)
        #expect(fixture.engine.registry.total("pellucid.balancer.failures", where: ["error.type": "connection_refused"]) == 1)
    }

    @Test func `by default a request that an upstream received is not sent again`() async throws {
        for reply in [FakeUpstream.Reply.fail(.readTimeout), .fail(.closedBeforeResponse), Fixture.status(500), Fixture.status(429)] {
            let fixture = try Fixture(["openai/a", "openai/b"])
            let (client, _) = try await fixture.send([reply, Fixture.ok()])
            #expect(client.status != 200)
            #expect(fixture.hosts.count == 1)
        }
    }

    private static let everything = "failover_criteria: [error, timeout, invalid_header, http_403, http_404, http_429, http_500, http_502, http_503, http_504, non_idempotent]"

    @Test(arguments: [403, 404, 429, 500, 502, 503, 504])
    func `an answer that is a criterion leads to the next target`(status: Int) async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything)
        let (client, record) = try await fixture.send([Fixture.status(status), Fixture.ok()])
        #expect(client.status == 200)
        #expect(record.attempts.map { Int($0.status) } == [status, 200])
        #expect(record.attemptTexts[0].errorType == "\(status)")
    }

    @Test(arguments: [400, 401, 402, 409, 422])
    func `a client's own mistake does not`(status: Int) async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything)
        let (client, _) = try await fixture.send([Fixture.status(status), Fixture.ok()])
        #expect(client.status == status)
        #expect(fixture.hosts.count == 1)
    }

    @Test func `the last answer is the client's`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything + ", retries: 1")
        let (client, record) = try await fixture.send([Fixture.status(500), Fixture.status(503)])
        #expect(client.status == 503)
        #expect(client.body == "{\"error\":{}}")
        #expect(record.attempts.count == 2)
    }

    @Test func `retries are as many as configured`() async throws {
        for retries in 0...4 {
            let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything + ", retries: \(retries)", own: "retry_pause: 0")
            let (client, record) = try await fixture.send([FakeUpstream.Reply](repeating: .fail(.connectRefused), count: 9))
            #expect(client.status == 502)
            #expect(record.attempts.count == retries + 1)
            #expect(record.errorType == "connection_refused")
        }
    }

    @Test func `an answer that is no JSON is invalid where that is a criterion`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything)
        let (client, record) = try await fixture.send([Fixture.ok("{\"choices\": ["), Fixture.ok("{\"fine\":true}")])
        #expect(client.body == "{\"fine\":true}")
        #expect(record.attemptTexts[0].errorType == "invalid_json")
        let lenient = try Fixture(["openai/a", "openai/b"])
        #expect(try await lenient.send([Fixture.ok("{\"choices\": ["), Fixture.ok()]).client.body == "{\"choices\": [")
    }

    private static let claude = """
        {route_type: llm/v1/chat, weight: 200, auth: {header_name: x-api-key, header_value: sk-a}, model: {provider: anthropic, name: claude, \
        options: {anthropic_version: \"2023-06-01\", max_tokens: 64, upstream_url: \"http://claude.test/v1/messages\"}}}
        """

    @Test func `a fallback to another format is planned again from the client's own request`() async throws {
        let fixture = try Fixture([Self.claude, "openai/gpt"], balancer: "algorithm: priority, " + Self.everything)
        let (client, record) = try await fixture.send([Fixture.status(529), Fixture.ok(#"{"choices":[{"message":{"role":"assistant","content":"hi"}}]}"#)])
        #expect(client.status == 200)
        #expect(fixture.hosts == ["claude", "gpt"])
        let sent = fixture.engine.upstream.sent
        #expect(sent[0].target == "/v1/messages" && sent[0].body.contains("\"max_tokens\":64"))
        #expect(sent[1].body.contains(#""messages":[{"role":"user","content":"hi"}]"#) && !sent[1].body.contains("max_tokens"))
        #expect(sent[0].field("x-api-key") == "sk-a" && sent[1].field("x-api-key") == nil)
        #expect(record.attemptTexts.map(\.provider) == ["anthropic", "openai"])
        #expect(record.attemptTexts[0].errorType == "503", "529 counts as overload")
    }

    @Test func `an answer in another format is translated after a fallback too`() async throws {
        let fixture = try Fixture(["{route_type: llm/v1/chat, weight: 300, model: {provider: openai, name: gpt, options: {upstream_url: \"http://gpt.test/v1\"}}}", Self.claude], balancer: "algorithm: priority, " + Self.everything)
        let message = #"{"id":"m","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"bonjour"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}"#
        let (client, record) = try await fixture.send([Fixture.status(500), Fixture.ok(message)])
        #expect(client.status == 200)
        #expect(client.body.contains("\"choices\"") && client.body.contains("bonjour"), "\(client.body)")
        #expect(client.field("x-kong-llm-model") == "anthropic/claude")
        #expect(record.attempts[1].usage.total == 5)
    }

    @Test func `a stream that breaks before its first byte is started elsewhere`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything)
        let good = "data: {\"choices\":[]}\n\ndata: [DONE]\n\n"
        let (client, record) = try await fixture.send(
            #"{"stream":true,"messages":[{}]}"#, [Fixture.stream([.fail(.closedMidResponse)]), Fixture.stream([.fail(.readTimeout)]), Fixture.stream([.bytes(good)])])
        #expect(client.body == good)
        #expect(client.isFinished && !client.isAborted)
        #expect(record.attempts.count == 3)
        #expect(record.root.outcome == .passed)
    }

    @Test func `a stream that breaks after its first byte ends in an error the client can read`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything)
        let (client, record) = try await fixture.send(
            #"{"stream":true,"messages":[{}]}"#, [Fixture.stream([.bytes("data: {\"choices\":[]}\n\n"), .fail(.closedMidResponse)]), Fixture.ok()])
        #expect(record.attempts.count == 1)
        #expect(client.body.hasPrefix("data: {\"choices\":[]}\n\ndata: {\"error\":"))
        #expect(client.isAborted)
    }

    @Test func `a client that leaves ends everything`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything)
        let exchange = try FakeExchange("POST", "/chat", headers: [("Host", "h"), ("Content-Type", "application/json")], body: [.bytes(Fixture.chat)])
        fixture.engine.upstream.replies = [.answer(FakeAnswer(beforeHead: [.happens { exchange.leave() }])), Fixture.ok()]
        let record = try await fixture.engine.serve(exchange)
        #expect(record.attempts.count == 1)
        #expect(record.root.outcome == .cancelled)
        #expect(fixture.engine.registry.total("pellucid.balancer.in_flight") == 0)
    }

    // MARK: Circuit

    @Test func `a target that failed too often is skipped, and all of them answer 500`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: "max_fails: 1, fail_timeout: 60000")
        let (first, record) = try await fixture.send([.fail(.connectRefused), Fixture.ok()])
        #expect(first.status == 200)
        #expect(record.attemptFields[1]["pellucid.balancer.skipped"] == "openai/a:open")
        for _ in 0..<3 { _ = try await fixture.send([Fixture.ok()]) }
        #expect(fixture.hosts == ["a", "b", "b", "b", "b"])
        #expect(try await fixture.send([.fail(.connectRefused)]).client.status == 502)
        let (client, last) = try await fixture.send([])
        #expect(client.status == 500)
        #expect(last.errorType == "no_healthy_target")
        #expect(last.scopes[0].fields["pellucid.balancer.skipped"] == "openai/a:open, openai/b:open")
        #expect(last.root.outcome == .failed)
        #expect(last.attempts.isEmpty)
        #expect(fixture.engine.registry.total("pellucid.balancer.circuit", where: ["pellucid.balancer.target": "openai/a"]) == 2)
    }

    @Test func `a refused request leaves no attempt open`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"])
        let (client, record) = try await fixture.send("{}", [])
        #expect(client.status == 400)
        #expect(record.errorType == "missing_prompt")
        #expect(record.root.outcome == .rejected)
        #expect(fixture.engine.registry.total("pellucid.balancer.in_flight") == 0)
    }

    // MARK: Limits of ours

    @Test func `a retry budget ends retries that would become a storm`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], own: "retry_budget: {percent: 10, minimum_per_second: 0}, retry_pause: 0")
        var attempts = 0
        for _ in 0..<100 {
            let (_, record) = try await fixture.send([FakeUpstream.Reply](repeating: .fail(.connectRefused), count: 9))
            attempts += record.attempts.count
        }
        #expect(attempts == 110)
    }

    @Test func `a target that asks to be left alone is not asked again at once`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], balancer: Self.everything)
        let (client, record) = try await fixture.send([Fixture.status(429, headers: [("Retry-After", "30")]), Fixture.ok()])
        #expect(client.status == 200)
        #expect(record.attemptFields[1]["pellucid.balancer.skipped"] == "openai/a:retry_after")
        for _ in 0..<3 { _ = try await fixture.send([Fixture.ok()]) }
        #expect(fixture.hosts == ["a", "b", "b", "b", "b"])
    }

    @Test func `the only target's wish to be left alone is passed on when it is too long to wait`() async throws {
        let fixture = try Fixture(["openai/a"], balancer: Self.everything)
        let (client, record) = try await fixture.send([Fixture.status(429, headers: [("Retry-After", "30")]), Fixture.ok()])
        #expect(client.status == 429)
        #expect(client.field("retry-after") == "30")
        #expect(record.attempts.count == 1)
    }

    @Test func `a target that shows no life when asked gets no requests`() async throws {
        let fixture = try Fixture(["openai/a", "openai/b"], own: "health_check: {interval: 10, path: /health}")
        let isDown = Atomic<Bool>(true)
        // The checks end with the fixture.
        defer { withExtendedLifetime(fixture) {} }
        fixture.engine.http.on("http://b.test/health", status: 404, json: "{}")
        fixture.engine.http.on("http://a.test/health") { _ in .success(HTTPAnswer(status: isDown.load(ordering: .relaxed) ? 503 : 200)) }
        let circuit = { fixture.engine.registry.total("pellucid.balancer.circuit", where: ["pellucid.balancer.target": "openai/a"]) }
        while circuit() != 2 { await Task.yield() }
        let (_, record) = try await fixture.send([Fixture.ok()])
        #expect(record.attemptFields[0]["pellucid.balancer.skipped"] == "openai/a:down")
        for _ in 0..<4 { _ = try await fixture.send([Fixture.ok()]) }
        #expect(Set(fixture.hosts) == ["b"])
        isDown.store(false, ordering: .relaxed)
        while circuit() != 0 { await Task.yield() }
        for _ in 0..<4 { _ = try await fixture.send([Fixture.ok()]) }
        #expect(fixture.hosts.suffix(4).contains("a"))
    }

    // MARK: Configuration

    @Test func `problems name the target`() {
        #expect(
            AdvancedFixture.problems(["openai/a", "{route_type: llm/v1/chat, model: {provider: openai, name: b}, weight: 0}"])
                == ["services[0].routes[0].plugins[0].config.targets[1].weight: 0 is outside 1 to 65535"])
        let mixed = AdvancedFixture.problems(["openai/a", "{route_type: llm/v1/completions, model: {provider: openai, name: b}}"])
        #expect(mixed.count == 1 && mixed[0].contains("config.targets[1].route_type"), "\(mixed)")
    }

    @Test func `our own settings are checked like Kong's`() {
        let problems = AdvancedFixture.problems(["openai/a"], own: "retry_bugdet: {percent: 1}, total_timeout: -1")
        #expect(problems.count == 2, "\(problems)")
        #expect(problems.contains { $0.contains("_pellucid.balancer.retry_bugdet") && $0.contains("did you mean \"retry_budget\"") }, "\(problems)")
    }
}
