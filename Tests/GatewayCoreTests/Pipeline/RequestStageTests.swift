import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct RequestStageTests {
    private typealias P = PipelineFixture

    @Test func `a request no route takes is answered 404 and recorded`() async throws {
        let fixture = try PipelineFixture()
        let (client, record) = try await fixture.get(target: "/nowhere")
        #expect(client.status == 404)
        #expect(client.body.contains("no Route matched with those values"))
        #expect(client.body.contains("\"request_id\":\""))
        #expect(record.summary == ["rejected 404 no_route"])
        #expect(record.source == "kong")
        #expect(record.route == nil)
        #expect(fixture.sent.isEmpty)
    }

    @Test func `a plain request passes to its service and back`() async throws {
        let fixture = try PipelineFixture()
        let (client, record) = try await fixture.get(target: "/api/x?q=1", headers: [("X-Own", "1"), ("Connection", "X-Hop"), ("X-Hop", "1")], .ok("answer"))
        #expect(client.status == 200)
        #expect(client.body == "answer")
        #expect(client.isFinished)
        #expect(client.framing == .length(6))
        let sent = try #require(fixture.sent.first)
        #expect(sent.target == "/base/x?q=1")
        #expect(sent.request.host == "origin.test:8080")
        #expect(sent.field("x-own") == "1")
        #expect(sent.field("x-hop") == nil)
        #expect(sent.field("x-forwarded-for") == "192.0.2.1")
        #expect(sent.field("x-forwarded-proto") == "http")
        #expect(sent.field("x-forwarded-prefix") == "/api")
        #expect(sent.field("x-forwarded-path") == "/api/x")
        #expect(sent.field("x-real-ip") == "192.0.2.1")
        #expect(sent.field("x-kong-request-id")?.count == 32)
        #expect(client.field("x-kong-request-id") == sent.field("x-kong-request-id"))
        #expect(client.field("via") == "1.1 pellucid/\(GatewayIdentity.version)")
        #expect(record.summary == ["passed 200", "attempt: passed 200"])
        #expect(record.source == "upstream")
        #expect(record.upstreamURI == "http://origin.test:8080/base/x")
        #expect(record.route?.routeName == "api")
        #expect(record.configurationHash == fixture.engine.snapshot.hash)
    }

    @Test func `stages run in order of priority whatever the order of the file`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-c", "act: pass, note: c"), P.plugin("probe-a", "act: modify, note: a"), P.plugin("probe-b", "note: b"))
        let (_, record) = try await fixture.get(.ok())
        #expect(fixture.sent[0].field("x-probe") == "a,b,c")
        #expect(record.summary == [
            "passed 200", "stage probe-a request: modified, modify/continue", "stage probe-b request: passed, pass/continue", "stage probe-c request: passed, pass/continue",
            "attempt: passed 200",
        ])
    }

    @Test func `a rejection ends the request before later stages and the upstream`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a"), P.plugin("probe-b", "act: reject"), P.plugin("probe-c"))
        let (client, record) = try await fixture.get()
        #expect(client.status == 403)
        #expect(client.field("x-why") == "policy")
        #expect(client.body.contains("denied by \\\"probe\\\""))
        #expect(record.summary == ["rejected 403 probe_denied", "stage probe-a request: passed, pass/continue", "stage probe-b request: rejected, reject/block, probe_denied"])
        #expect(record.source == "kong")
        #expect(fixture.sent.isEmpty)
    }

    @Test func `a stage can answer itself`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: respond"), P.plugin("probe-b"))
        let (client, record) = try await fixture.get()
        #expect(client.status == 203)
        #expect(client.body == "from the probe")
        #expect(client.field("x-from") == "probe")
        #expect(record.summary == ["answered 203", "stage probe-a request: answered, respond/answer"])
    }

    @Test func `an answer to HEAD has no content and says how long it would be`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: respond"))
        let exchange = try FakeExchange("HEAD", "/api")
        _ = try await fixture.engine.serve(exchange)
        #expect(exchange.framing == ResponseFraming.none)
        #expect(exchange.content.isEmpty)
        #expect(exchange.field("content-length") == "14")
        #expect(exchange.isFinished)
    }

    @Test func `a stage that fails fails the request and its message stays inside`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: fail"))
        let (client, record) = try await fixture.get()
        #expect(client.status == 500)
        #expect(!client.body.contains("told to"))
        #expect(record.summary == ["failed 500 probe_failed", "stage probe-a request: failed, none/fail, probe_failed"])
        #expect(record.source == "error")
    }

    @Test(arguments: [("reject", "reject/would_block", ", probe_denied"), ("respond", "respond/would_answer", ""), ("modify", "modify/would_modify", ""), ("pass", "pass/continue", "")])
    func `in shadow mode the verdict is recorded and nothing happens`(act: String, verdict: String, error: String) async throws {
        let fixture = try PipelineFixture("{name: probe-a, config: {act: \(act), note: changed}, _pellucid: {mode: shadow}}")
        let (client, record) = try await fixture.get(.ok())
        #expect(client.status == 200)
        #expect(fixture.sent[0].field("x-probe") == nil)
        #expect(record.summary == ["passed 200", "stage probe-a request: passed, \(verdict)\(error)", "attempt: passed 200"])
        #expect(record.scopes[0].mode == .shadow)
        #expect(record.scopes[0].fields["probe.seen"] == "nobody")
    }

    @Test func `a stage that fails in shadow mode does not fail the request`() async throws {
        let fixture = try PipelineFixture("{name: probe-a, config: {act: fail}, _pellucid: {mode: shadow}}")
        let (client, record) = try await fixture.get(.ok())
        #expect(client.status == 200)
        #expect(record.summary == ["passed 200", "stage probe-a request: failed, none/continue, probe_failed", "attempt: passed 200"])
    }

    @Test func `a shadow stage that reads the body leaves it for the upstream`() async throws {
        let fixture = try PipelineFixture("{name: probe-a, config: {act: body}, _pellucid: {mode: shadow}}")
        let (client, record) = try await fixture.post([.bytes("hello "), .bytes("world")], .ok())
        #expect(client.status == 200)
        #expect(fixture.sent[0].body == "hello world")
        #expect(record.scopes[0].fields["probe.seen"] == "11")
    }

    @Test func `a shadow stage whose limit the body exceeds does not cut what the upstream gets`() async throws {
        let fixture = try PipelineFixture("{name: probe-a, config: {act: body, limit: 3}, _pellucid: {mode: shadow}}")
        let client = try FakeExchange("POST", "/api", headers: [("Host", "h"), ("Transfer-Encoding", "chunked")], body: [.bytes("hello "), .bytes("world")], isBodyComplete: false)
        let record = try await fixture.engine.serve(client, [.ok()])
        #expect(client.status == 200)
        #expect(fixture.sent[0].body == "hello world")
        #expect(record.summary == ["passed 200", "stage probe-a request: passed, reject/would_block, probe_too_large", "attempt: passed 200"])
    }

    @Test func `a call to an outside service is a scope of its own below its stage`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: call"))
        let (_, record) = try await fixture.get(.ok())
        #expect(record.summary == ["passed 200", "stage probe-a request: passed, pass/continue", "call echo: passed", "attempt: passed 200"])
        #expect(record.scopes[1].evidence.parentSpanID == record.scopes[0].evidence.spanID)
        #expect(record.scopes[0].fields["probe.seen"] == "question answered")
    }

    @Test func `a call that fails is recorded with its code and so is its stage`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: call, flag: true"))
        let (client, record) = try await fixture.get()
        #expect(client.status == 500)
        #expect(record.summary == ["failed 500 echo_failed", "stage probe-a request: failed, none/fail, echo_failed", "call echo: failed, echo_failed"])
    }

    @Test func `a body a stage has read goes to the upstream whole`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: body"))
        let (_, record) = try await fixture.post([.bytes("a"), .bytes("bc")], .ok())
        #expect(fixture.sent[0].body == "abc")
        #expect(record.summary.first == "passed 200")
        #expect(record.root.requestBytes > 3)
    }

    @Test func `a body over a stage's limit is refused without an upstream`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: body, limit: 3"))
        let (client, record) = try await fixture.post([.bytes("abcd")])
        #expect(client.status == 413)
        #expect(record.summary[0] == "rejected 413 probe_too_large")
        #expect(fixture.sent.isEmpty)
    }

    @Test func `a plugin that is switched off does not run`() async throws {
        let fixture = try PipelineFixture("{name: probe-a, enabled: false, config: {act: reject}}")
        let (client, record) = try await fixture.get(.ok())
        #expect(client.status == 200)
        #expect(record.summary == ["passed 200", "attempt: passed 200"])
    }

    @Test func `a plaintext request to a route for TLS is told so`() async throws {
        let fixture = try PipelineFixture(route: "    protocols: [https]")
        let (client, record) = try await fixture.get()
        #expect(client.status == 426)
        #expect(client.field("upgrade") == "TLS/1.2, HTTP/1.1")
        #expect(record.summary == ["rejected 426 tls_required"])
    }

    @Test func `a redirect to TLS keeps host path and query`() async throws {
        let fixture = try PipelineFixture(route: "    protocols: [https]\n    https_redirect_status_code: 301")
        let (client, _) = try await fixture.get(target: "/api/x?q=1")
        #expect(client.status == 301)
        #expect(client.field("location") == "https://gateway.test/api/x?q=1")
    }

    @Test func `a route without a service has nowhere to go`() async throws {
        let engine = try EngineFixture("routes: [{name: lonely, paths: [/api]}]")
        let exchange = try FakeExchange("GET", "/api")
        let record = try await engine.serve(exchange)
        #expect(exchange.status == 503)
        #expect(record.summary == ["failed 503 no_service"])
    }

    @Test func `credentials and queries are in no evidence`() async throws {
        let fixture = try PipelineFixture()
        let (_, record) = try await fixture.get(target: "/api?apikey=topsecret", headers: [("Authorization", "Bearer topsecret"), ("Cookie", "topsecret"), ("X-Api-Key", "topsecret")], .ok())
        for text in [record.path, record.upstreamURI, record.requestHeaders, record.responseHeaders] { #expect(!text.contains("topsecret")) }
        #expect(record.attemptTexts.allSatisfy { !$0.path.contains("topsecret") })
    }

    @Test func `a request that cannot be parsed is recorded and answered`() throws {
        let engine = try EngineFixture("")
        let connection = try FakeExchange("GET", "/").connection
        let response = engine.engine.refuse(.malformed(.hostMissing), connection: connection, startedAt: 0, receivedBytes: 17, on: engine.loop)
        #expect(response.status == 400)
        let record = try #require(engine.requests.first)
        #expect(record.root.outcome == .rejected)
        #expect(record.root.requestBytes == 17)
        #expect(!record.errorType.isEmpty)
        _ = engine.engine.refuse(.timeout, connection: connection, startedAt: 1, receivedBytes: 1, on: engine.loop)
        #expect(engine.requests.last?.root.status == 408)
    }

    @Test func `what telemetry counts is what happened`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: reject"))
        _ = try await fixture.get()
        _ = try await fixture.get(target: "/nowhere")
        #expect(fixture.engine.registry.total("pellucid.requests.finished", where: ["outcome": "rejected"]) == 2)
        #expect(fixture.engine.registry.observations("pellucid.stage.duration", where: ["plugin": "probe-a", "outcome": "rejected"]).count == 1)
        #expect(fixture.engine.flow.unaccountedRequests() == 0)
    }
}
