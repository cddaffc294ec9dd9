import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct ResponseStageTests {
    private typealias P = PipelineFixture

    @Test func `a stage that needs the head changes it and the content passes as it comes`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "act: modify, note: seen"))
        let (client, record) = try await fixture.get(.answer(FakeAnswer(body: [.bytes("one"), .bytes("two")])))
        #expect(client.field("x-note") == "seen")
        #expect(client.content == ["one", "two"])
        #expect(client.framing == .stream)
        #expect(record.summary == ["passed 200", "stage response-a response: modified, modify/continue", "attempt: passed 200"]
            || record.summary == ["passed 200", "attempt: passed 200", "stage response-a response: modified, modify/continue"])
        #expect(record.scopes.first { !$0.stage.isEmpty }?.fields["probe.seen"] == "0")
    }

    @Test func `a stage that needs the body gets it whole and the length is the new one`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "act: modify, note: end, flag: true"))
        let (client, record) = try await fixture.get(.answer(FakeAnswer(body: [.bytes("one"), .bytes("two")])))
        #expect(client.body == "onetwo+end")
        #expect(client.framing == .length(10))
        let stage = try #require(record.scopes.first { !$0.stage.isEmpty })
        #expect(stage.fields["probe.seen"] == "6")
        #expect(stage.evidence.bytesDelta == 4)
        #expect(stage.evidence.outcome == .modified)
    }

    @Test func `stages see what earlier ones left`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-b", "act: modify, note: b, flag: true"), P.plugin("response-a", "act: modify, note: a, flag: true"))
        let (client, _) = try await fixture.get(.ok("x"))
        #expect(client.body == "x+a+b")
    }

    @Test func `a body over the limit passes unseen with evidence of that`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "act: reject, flag: true, limit: 5"))
        let (client, record) = try await fixture.get(.answer(FakeAnswer(body: [.bytes("four"), .bytes("more"), .bytes("rest")])))
        #expect(client.status == 200)
        #expect(client.body == "fourmorerest")
        #expect(record.root.outcome == .passed)
        #expect(record.scopes.first { !$0.stage.isEmpty }?.errorType == "response_too_large")
        #expect(record.summary.contains("stage response-a response: failed, none/continue, response_too_large"))
    }

    @Test func `each stage has its own limit`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "act: modify, note: a, flag: true, limit: 3"), P.plugin("response-b", "act: modify, note: b, flag: true, limit: 100"))
        let (client, record) = try await fixture.get(.ok("four"))
        #expect(client.body == "four+b")
        #expect(record.summary.contains("stage response-a response: failed, none/continue, response_too_large"))
    }

    @Test func `a head stage beside one whose body is too large still runs`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "flag: true, limit: 2"), P.plugin("response-b", "act: modify, note: head"))
        let (client, _) = try await fixture.get(.ok("large"))
        #expect(client.field("x-note") == "head")
        #expect(client.body == "large")
    }

    @Test func `a rejected answer is not seen and the upstream is let go`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "act: reject"))
        let answer = FakeAnswer(body: [.bytes("secret")])
        let (client, record) = try await fixture.get(.answer(answer))
        #expect(client.status == 451)
        #expect(!client.body.contains("secret"))
        #expect(answer.isCancelled)
        #expect(record.root.outcome == .rejected)
        #expect(record.errorType == "answer_denied")
        #expect(record.scopes.contains { $0.stage == "response-a response" && $0.evidence.outcome == .rejected && $0.evidence.action == .block })
        #expect(record.root.upstreamStatus == 200)
    }

    @Test func `a stage that fails fails the request before a byte is sent`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "act: fail, flag: true"))
        let (client, record) = try await fixture.get(.ok("secret"))
        #expect(client.status == 500)
        #expect(!client.body.contains("secret"))
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "answer_unreadable")
    }

    @Test(arguments: ["reject", "fail", "modify"])
    func `in shadow mode the answer is untouched`(act: String) async throws {
        let fixture = try PipelineFixture("{name: response-a, config: {act: \(act), note: changed, flag: true}, _pellucid: {mode: shadow}}")
        let (client, record) = try await fixture.get(.ok("answer"))
        #expect(client.status == 200)
        #expect(client.body == "answer")
        #expect(client.field("x-note") == nil)
        #expect(record.root.outcome == .passed)
        #expect(record.scopes.contains { $0.stage == "response-a response" && $0.mode == .shadow && $0.evidence.action == (["reject": .wouldBlock, "modify": .wouldModify][act] ?? .continue) })
    }

    @Test func `an upstream that breaks off while its body is collected is answered as an upstream failure`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "flag: true"))
        let (client, record) = try await fixture.get(.answer(FakeAnswer(body: [.bytes("half"), .fail(.closedMidResponse)])))
        #expect(client.status == 502)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "response_truncated")
        #expect(record.attempts.count == 1)
    }

    @Test func `a client that goes while the body is collected is recorded as cancelled`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "flag: true"))
        let client = try FakeExchange("GET", "/api")
        let answer = FakeAnswer(body: [.bytes("half"), .happens { client.leave() }, .bytes("rest")])
        let record = try await fixture.engine.serve(client, [.answer(answer)])
        #expect(record.summary.first == "cancelled 499 client_closed")
    }

    @Test func `an answer without content has none after its stages`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "flag: true"))
        let (client, record) = try await fixture.get(.answer(FakeAnswer(204, body: [], framing: .none)))
        #expect(client.status == 204)
        #expect(client.framing == ResponseFraming.none)
        #expect(record.root.outcome == .passed)
    }

    @Test func `the answer to HEAD keeps the length of what it stands for`() async throws {
        let fixture = try PipelineFixture(P.plugin("response-a", "flag: true"))
        let client = try FakeExchange("HEAD", "/api")
        _ = try await fixture.engine.serve(client, [.answer(FakeAnswer(headers: [("Content-Length", "77")], body: [], framing: .none))])
        #expect(client.framing == ResponseFraming.none)
        #expect(client.field("content-length") == "77")
    }
}
