import TelemetryTestSupport
import Testing

@testable import Telemetry

private struct Broken: Error {}

@Suite struct OutcomeTests {
    private let fixture = TelemetryFixture()

    @Test func `a request that nobody finished is abandoned`() throws {
        do {
            let record = self.fixture.begin()
            record.update { root, evidence in root.path = evidence.text("/forgotten") }
        }
        let request = try #require(self.fixture.finished.first)
        #expect(request.root.outcome == .abandoned)
        #expect(request.path == "/forgotten")
        #expect(request.root.endMonotonic >= request.root.startMonotonic)
    }

    @Test(arguments: Outcome.allCases)
    func `a finished request has the outcome it was finished with`(outcome: Outcome) {
        self.fixture.begin().finish(outcome)
        #expect(self.fixture.finished.map(\.root.outcome) == [outcome])
    }

    private func serve(fails: Bool) throws {
        let record = self.fixture.begin()
        var stage = record.openStage(Known.stage)
        stage.set("a", .int(1))
        if fails { throw Broken() }
        stage.finish(.passed)
        record.finish(.passed)
    }

    @Test func `an error thrown past a record leaves an abandoned request with an abandoned stage`() throws {
        #expect(throws: Broken.self) { try self.serve(fails: true) }
        try self.serve(fails: false)
        let requests = self.fixture.finished
        #expect(requests.map(\.root.outcome) == [.abandoned, .passed])
        #expect(requests.map { $0.scopes.map(\.evidence.outcome) } == [[.abandoned], [.passed]])
        #expect(requests[0].scopes[0].fields == ["a": "1"])
        #expect(!requests[0].scopes[0].evidence.isOpen)
    }

    @Test func `a stage that nobody finished is abandoned while its request is not`() throws {
        let record = self.fixture.begin()
        do {
            var stage = record.openStage(Known.stage)
            stage.decide(.pass, .continue)
        }
        record.finish(.passed)
        let request = try #require(self.fixture.finished.first)
        #expect(request.root.outcome == .passed)
        #expect(request.scopes.map(\.evidence.outcome) == [.abandoned])
        #expect(request.scopes[0].evidence.verdict == .pass)
    }

    @Test func `every request is handed over exactly once`() {
        for _ in 0..<10 { self.fixture.begin().finish(.passed) }
        #expect(self.fixture.loop.inFlight == 0)
        #expect(self.fixture.finished.count == 10)
        #expect(self.fixture.finished.count == 10)
        #expect(self.fixture.registry.total("pellucid.requests.finished") == 10)
        #expect(self.fixture.flow.unaccountedRequests() == 0)
    }

    @Test func `a scope that outlives its request is shown as abandoned and cannot write into the next one`() throws {
        let record = self.fixture.begin()
        var late = record.openStage(Known.stage)
        late.set("early", .int(1))
        record.finish(.passed)
        #expect(self.fixture.finished.count == 1)
        // The same evidence object, come back through the drain, now records another request.
        let second = self.fixture.begin()
        let stage = second.openStage(Known.guardStage)
        late.set("late", .int(2))
        late.decide(.reject, .block)
        late.fail("late")
        late.addBytesDelta(5)
        late.addBusy(5, events: 5)
        let call = late.openCall("late")
        call.finish(.passed)
        late.finish(.failed)
        stage.finish(.passed)
        second.finish(.passed)
        let requests = self.fixture.finished
        #expect(requests.map(\.root.outcome) == [.passed, .passed])
        #expect(requests[0].scopes.map(\.evidence.outcome) == [.abandoned])
        #expect(requests[0].scopes[0].evidence.end == requests[0].root.endMonotonic)
        let only = try #require(requests[1].scopes.first)
        #expect(requests[1].scopes.count == 1)
        #expect(only.evidence.outcome == .passed)
        #expect(only.evidence.verdict == .none)
        #expect(only.evidence.bytesDelta == 0)
        #expect(only.evidence.eventCount == 0)
        #expect(only.fields.isEmpty)
        #expect(only.errorType.isEmpty)
    }

    @Test func `a call is nested in its stage and the stage in its request`() throws {
        let record = self.fixture.begin()
        var stage = record.openStage(Known.stage)
        stage.set("before", .bool(true))
        var call = stage.openCall("guard lakera")
        call.set("score", .double(0.5))
        call.fail("guard_timeout")
        let inner = call.openCall("embeddings")
        inner.finish(.passed)
        call.finish(.failed)
        stage.finish(.failed)
        record.finish(.failed)
        let request = try #require(self.fixture.finished.first)
        let (outer, middle, deepest) = (request.scopes[0], request.scopes[1], request.scopes[2])
        #expect(request.scopes.map(\.evidence.kind) == [.stage, .call, .call])
        #expect(outer.evidence.parentSpanID == request.root.spanID)
        #expect(middle.evidence.parentSpanID == outer.evidence.spanID)
        #expect(deepest.evidence.parentSpanID == middle.evidence.spanID)
        #expect(middle.callName == "guard lakera")
        #expect(middle.errorType == "guard_timeout")
        #expect(middle.fields == ["score": "0.5"])
        #expect(request.scopes.map(\.evidence.outcome) == [.failed, .failed, .passed])
        #expect(Set(request.scopes.map(\.evidence.spanID)).count == 3)
    }

    @Test func `a request joins the trace of its caller and gets ids of its own otherwise`() {
        let parent = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, isSampled: true)
        self.fixture.begin(parent: parent).finish(.passed)
        self.fixture.begin(isSampled: false).finish(.passed)
        let requests = self.fixture.finished
        #expect([requests[0].root.traceIDHigh, requests[0].root.traceIDLow, requests[0].root.parentSpanID] == [1, 2, 3])
        #expect(requests[0].root.spanID != 3)
        #expect(requests[0].root.isSampled)
        #expect(requests[1].root.parentSpanID == 0)
        #expect(!requests[1].root.isSampled)
        #expect(requests[1].root.traceIDLow != 2)
        #expect(requests[0].root.requestIDLow != requests[1].root.requestIDLow)
    }

    @Test func `the same seed gives the same ids`() {
        let other = TelemetryFixture()
        self.fixture.begin().finish(.passed)
        other.begin().finish(.passed)
        #expect(self.fixture.finished.map(\.root.spanID) == other.finished.map(\.root.spanID))
        #expect(self.fixture.finished.map(\.root.traceIDHigh) == other.finished.map(\.root.traceIDHigh))
    }
}
