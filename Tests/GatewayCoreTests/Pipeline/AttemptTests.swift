import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct AttemptTests {
    private typealias P = PipelineFixture

    private static let beforeSend: [UpstreamFailure] = [.nameResolution, .connectRefused, .connectTimeout, .tls]
    private static let afterSend: [UpstreamFailure] = [.sendTimeout, .readTimeout, .closedBeforeResponse, .malformed(code: "status_line_invalid")]
    private static let idempotent = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]

    private func request(_ method: String) throws -> FakeExchange {
        try FakeExchange(method, "/api", body: ["POST", "PUT", "PATCH"].contains(method) ? [.bytes("body")] : nil)
    }

    @Test func `an answer that was declined in vain keeps its status`() {
        #expect(UpstreamFailure.declined(code: "429").answer.status == 429)
        #expect(UpstreamFailure.declined(code: "503").answer.status == 503)
        #expect(UpstreamFailure.declined(code: "invalid_json").answer.status == 502)
    }

    // MARK: Retries

    @Test(arguments: beforeSend, ["GET", "POST", "PATCH", "DELETE", "PROPFIND"])
    func `a request no byte of which was sent is tried again whatever its method`(failure: UpstreamFailure, method: String) async throws {
        let fixture = try PipelineFixture()
        let client = try self.request(method)
        let record = try await fixture.engine.serve(client, [.fail(failure), .fail(failure), .ok()])
        #expect(client.status == 200)
        #expect(record.summary == ["passed 200", "attempt: failed 0, \(failure.code)", "attempt: failed 0, \(failure.code)", "attempt: passed 200"])
        #expect(record.attempts.map(\.resendCount) == [0, 1, 2])
    }

    @Test(arguments: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "POST", "PATCH", "PROPFIND"])
    func `a kept connection that closes without an answer is no reason to repeat what is not idempotent`(method: String) async throws {
        let fixture = try PipelineFixture()
        let client = try self.request(method)
        let stale = FakeAnswer(beforeHead: [.fail(.closedBeforeResponse)], isReused: true)
        let record = try await fixture.engine.serve(client, [.answer(stale), .ok()])
        if Self.idempotent.contains(method) {
            #expect(client.status == 200)
            #expect(record.summary == ["passed 200", "attempt: failed 0, connection_closed", "attempt: passed 200"])
            #expect(record.attempts.map(\.isConnectionReused) == [true, false])
        } else {
            #expect(client.status == 502)
            #expect(record.summary == ["failed 502 connection_closed", "attempt: failed 0, connection_closed"])
        }
    }

    @Test func `a new connection that closes without an answer is not tried again`() async throws {
        let fixture = try PipelineFixture()
        let (client, record) = try await fixture.get(.answer(FakeAnswer(beforeHead: [.fail(.closedBeforeResponse)])), .ok())
        #expect(client.status == 502)
        #expect(record.summary == ["failed 502 connection_closed", "attempt: failed 0, connection_closed"])
    }

    @Test(arguments: afterSend)
    func `a failure after sending is final and answered`(failure: UpstreamFailure) async throws {
        let fixture = try PipelineFixture()
        let (client, record) = try await fixture.get(.answer(FakeAnswer(beforeHead: [.fail(failure)])), .ok())
        #expect(client.status == failure.answer.status)
        #expect(client.body.contains("\(failure.answer.message)"))
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "\(failure.code)")
        #expect(record.attempts.count == 1)
        #expect(record.attemptTexts[0].errorType == "\(failure.code)")
        #expect(record.source == "error")
    }

    @Test func `there are as many attempts as the service allows and one more`() async throws {
        let fixture = try PipelineFixture(service: "  retries: 2")
        let (client, record) = try await fixture.get(.fail(.connectRefused), .fail(.connectTimeout), .fail(.tls), .ok())
        #expect(client.status == 502)
        #expect(record.attemptTexts.map(\.errorType) == ["connection_refused", "connect_timeout", "tls_failed"])
        #expect(record.errorType == "tls_failed")
    }

    @Test func `with no retries the first failure is the answer`() async throws {
        let fixture = try PipelineFixture(service: "  retries: 0")
        let (client, record) = try await fixture.get(.fail(.nameResolution), .ok())
        #expect(client.status == 503)
        #expect(record.attempts.count == 1)
    }

    @Test func `a body that is passed on as it comes is not sent twice`() async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("PUT", "/api", body: [.bytes("streamed")], isBodyComplete: false)
        let stale = FakeAnswer(beforeHead: [.fail(.closedBeforeResponse)], isReused: true)
        let record = try await fixture.engine.serve(client, [.answer(stale), .ok()])
        #expect(client.status == 502)
        #expect(record.attempts.count == 1)
        #expect(fixture.sent[0].body == "streamed")
    }

    @Test func `a body not yet read is still there for the attempt after a refused connection`() async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("POST", "/api", body: [.bytes("streamed")], isBodyComplete: false)
        let record = try await fixture.engine.serve(client, [.fail(.connectRefused), .ok()])
        #expect(client.status == 200)
        #expect(fixture.sent.map(\.body) == ["", "streamed"])
        #expect(record.summary == ["passed 200", "attempt: failed 0, connection_refused", "attempt: passed 200"])
    }

    @Test func `each attempt is the parent of its own upstream work`() async throws {
        let fixture = try PipelineFixture()
        let (_, record) = try await fixture.get(headers: [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")], .fail(.connectRefused), .ok())
        let parents = fixture.sent.map { $0.request.trace }
        #expect(parents.count == 2)
        for (parent, scope) in zip(parents, record.scopes) {
            #expect(parent == TraceContext(traceIDHigh: 0x4bf9_2f35_77b3_4da6, traceIDLow: 0xa3ce_929d_0e0e_4736, spanID: scope.evidence.spanID, isSampled: true))
        }
        // The caller's own is not sent on beside it.
        #expect(fixture.sent.allSatisfy { $0.field("traceparent") == nil })
        #expect(record.root.parentSpanID == 0x00f0_67aa_0ba9_02b7)
    }

    // MARK: Attempt stages

    @Test func `an attempt stage runs once an attempt and adjusts only that one`() async throws {
        let fixture = try PipelineFixture(P.plugin("attempt-probe"))
        let (_, record) = try await fixture.get(.fail(.connectRefused), .ok())
        #expect(fixture.sent.map { $0.values("x-attempt") } == [["signed"], ["signed"]])
        #expect(record.summary == [
            "passed 200", "stage attempt-probe attempt: modified, modify/continue", "attempt: failed 0, connection_refused",
            "stage attempt-probe attempt: modified, modify/continue", "attempt: passed 200",
        ])
    }

    @Test func `an attempt stage that fails ends the request before the upstream`() async throws {
        let fixture = try PipelineFixture(P.plugin("attempt-probe", "act: fail"))
        let (client, record) = try await fixture.get()
        #expect(client.status == 500)
        #expect(fixture.sent.isEmpty)
        #expect(record.summary == ["failed 500 no_token", "stage attempt-probe attempt: failed, none/fail, no_token"])
    }

    @Test func `an attempt stage in shadow mode changes nothing`() async throws {
        let fixture = try PipelineFixture("{name: attempt-probe, _pellucid: {mode: shadow}}")
        let (_, record) = try await fixture.get(.ok())
        #expect(fixture.sent[0].field("x-attempt") == nil)
        #expect(record.scopes[0].mode == .shadow)
        #expect(record.root.outcome == .passed)
    }

    // MARK: Failures while the answer comes

    @Test func `an answer that breaks off ends the client's connection and is recorded`() async throws {
        let fixture = try PipelineFixture()
        let (client, record) = try await fixture.get(.answer(FakeAnswer(body: [.bytes("half"), .fail(.closedMidResponse)])))
        #expect(client.status == 200)
        #expect(client.body == "half")
        #expect(client.isAborted)
        #expect(!client.isFinished)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "response_truncated")
        #expect(record.summary.last == "attempt: failed 200, response_truncated")
        #expect(record.attempts.count == 1)
    }

    @Test func `an upstream that is too slow in the middle of its answer is recorded as such`() async throws {
        let fixture = try PipelineFixture()
        let (client, record) = try await fixture.get(.answer(FakeAnswer(body: [.bytes("half"), .fail(.readTimeout)])))
        #expect(client.isAborted)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "read_timeout")
    }

    @Test(arguments: [400, 404, 429, 500, 503])
    func `an answer that says no is passed on and the attempt counts as failed`(status: Int) async throws {
        let fixture = try PipelineFixture()
        let (client, record) = try await fixture.get(.ok("no", status: status))
        #expect(client.status == status)
        #expect(client.body == "no")
        // Of the server's own spans and metrics only 5xx is an error.
        #expect(record.summary == [status < 500 ? "passed \(status)" : "passed \(status) \(status)", "attempt: failed \(status)"])
        #expect(record.attemptTexts[0].errorType == "\(status)")
        #expect(record.root.upstreamStatus == UInt16(status))
    }

    @Test func `trailers of the upstream reach the client`() async throws {
        let fixture = try PipelineFixture()
        let answer = FakeAnswer(body: [.bytes("x")], trailers: HTTPText.fields([("grpc-status", "0")]))
        let (client, _) = try await fixture.get(.answer(answer))
        #expect(client.responseTrailers?.firstString(name: "grpc-status") == "0")
    }

    @Test(arguments: [(HTTPResponseFraming.none, ResponseFraming.none), (.length(3), .length(3)), (.chunked, .stream), (.untilClose, .stream)])
    func `the client's framing follows the upstream's`(upstream: HTTPResponseFraming, client: ResponseFraming) async throws {
        let fixture = try PipelineFixture()
        let (exchange, _) = try await fixture.get(.answer(FakeAnswer(body: upstream == .none ? [] : [.bytes("abc")], framing: upstream)))
        #expect(exchange.framing == client)
        #expect(exchange.isFinished)
    }

    @Test func `what is collected goes out before the gateway waits for more`() async throws {
        let fixture = try PipelineFixture()
        var flushed = 0
        let client = try FakeExchange("GET", "/api")
        let answer = FakeAnswer(body: [.bytes("one"), .happens { flushed = client.flushes }, .bytes("two")])
        _ = try await fixture.engine.serve(client, [.answer(answer)])
        #expect(flushed >= 1)
        #expect(client.body == "onetwo")
    }

    @Test func `a slow client is waited for piece by piece`() async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("GET", "/api")
        client.isSlow = true
        let record = try await fixture.engine.serve(client, [.answer(FakeAnswer(body: [.bytes("one"), .bytes("two"), .bytes("three")]))])
        #expect(client.relieves == 3)
        #expect(client.body == "onetwothree")
        #expect(record.root.outcome == .passed)
    }

    @Test func `a client that takes nothing in time fails the request and frees the upstream`() async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("GET", "/api")
        client.isSlow = true
        client.writeFailure = .timeout
        let answer = FakeAnswer(body: [.bytes("one"), .bytes("two")])
        let record = try await fixture.engine.serve(client, [.answer(answer)])
        #expect(answer.isCancelled)
        #expect(client.isAborted)
        #expect(record.root.outcome == .failed)
        #expect(record.errorType == "client_timeout")
    }

    // MARK: The client goes away

    @Test func `a client that goes while its body is read is recorded as cancelled with 499`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: body"))
        let client = try FakeExchange("POST", "/api", body: [.bytes("a"), .bytes("b")])
        client.departure = .readingBody(after: 1)
        let record = try await fixture.engine.serve(client)
        #expect(record.root.outcome == .cancelled)
        #expect(record.root.status == 499)
        #expect(record.errorType == "client_closed")
        #expect(fixture.sent.isEmpty)
    }

    @Test func `a client that goes while its body is passed on cancels the upstream`() async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("POST", "/api", body: [.bytes("a"), .bytes("b")], isBodyComplete: false)
        client.departure = .readingBody(after: 1)
        let answer = FakeAnswer(body: [.bytes("x")])
        let record = try await fixture.engine.serve(client, [.answer(answer)])
        #expect(answer.isCancelled)
        #expect(record.summary.first == "cancelled 499 client_closed")
        #expect(record.scopes.map(\.evidence.outcome) == [.cancelled])
        #expect(client.status == nil)
    }

    @Test func `a client that goes before the answer cancels the upstream`() async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("GET", "/api")
        let answer = FakeAnswer(body: [.bytes("x")], beforeHead: [.happens { client.leave() }])
        let record = try await fixture.engine.serve(client, [.answer(answer), .ok()])
        #expect(answer.isCancelled)
        #expect(record.summary.first == "cancelled 499 client_closed")
        #expect(record.scopes.map(\.evidence.outcome) == [.cancelled])
        #expect(record.attempts.count == 1)
        #expect(record.attemptTexts[0].errorType == "client_closed")
    }

    @Test(arguments: [FakeExchange.Departure.atHead, .writing(after: 0), .writing(after: 1)])
    func `a client that goes during the answer cancels the upstream and keeps the status it saw`(departure: FakeExchange.Departure) async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("GET", "/api")
        client.departure = departure
        let answer = FakeAnswer(body: [.bytes("one"), .bytes("two"), .bytes("three")])
        let record = try await fixture.engine.serve(client, [.answer(answer)])
        #expect(answer.isCancelled)
        #expect(record.summary.first == "cancelled 200 client_closed")
        #expect(record.scopes.map(\.evidence.outcome) == [.cancelled])
        #expect(!client.isFinished)
    }

    @Test func `a client that goes while a stage works is recorded as cancelled`() async throws {
        let fixture = try PipelineFixture(P.plugin("probe-a", "act: body"), P.plugin("probe-b"))
        let client = try FakeExchange("POST", "/api", body: [.fail(.closed)])
        client.leave()
        let record = try await fixture.engine.serve(client)
        #expect(record.root.outcome == .cancelled)
        #expect(record.root.status == 499)
    }

    // MARK: Bodies that fail

    @Test(arguments: [
        (DownstreamFailure.timeout, 408, "client_timeout"), (.bodyTooLarge(limit: 5), 413, "request_too_large"), (.malformed(.chunkSizeInvalid), 400, "chunk_size_invalid"),
        (.shutdown, 503, "shutdown"),
    ])
    func `a body that cannot be read to its end is answered with why`(failure: DownstreamFailure, status: Int, code: String) async throws {
        let fixture = try PipelineFixture()
        let client = try FakeExchange("POST", "/api", body: [.bytes("a"), .fail(failure)], isBodyComplete: false)
        let answer = FakeAnswer(body: [.bytes("x")])
        let record = try await fixture.engine.serve(client, [.answer(answer), .ok()])
        #expect(client.status == status)
        #expect(answer.isCancelled)
        #expect(record.root.outcome == .rejected)
        #expect(record.errorType == code)
        #expect(record.attempts.count == 1)
    }

    @Test func `times of the upstream are part of the request's and the rest is overhead`() async throws {
        let fixture = try PipelineFixture()
        let (_, record) = try await fixture.get(.fail(.connectRefused), .ok())
        let root = record.root
        #expect(root.upstreamNanoseconds > 0)
        #expect(root.upstreamNanoseconds <= root.endMonotonic - root.startMonotonic)
        #expect(root.firstByteAt > 0)
        #expect(record.attempts[1].headAt >= record.attempts[1].sentAt)
        #expect(record.attempts[1].requestBytes == 111)
        #expect(record.attempts[1].responseBytes == 6)
    }
}
