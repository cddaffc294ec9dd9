import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct ScopeEvidenceTests {
    private let fixture = TelemetryFixture()

    @Test func `fields keep their order and a second write replaces the first`() throws {
        let record = self.fixture.begin()
        var stage = record.openStage(Known.stage)
        let key: StaticString = "pellucid.test.key"
        stage.set("first", .string("one"))
        stage.set(key, .int(1))
        stage.set("flag", .bool(false))
        stage.set(key, .name("constant"))
        stage.finish(.modified)
        record.finish(.passed)
        let scope = try #require(self.fixture.finished.first?.scopes.first)
        #expect(scope.fields == ["first": "one", "pellucid.test.key": "constant", "flag": "false"])
    }

    @Test func `fields of two scopes written in turn stay apart`() throws {
        let record = self.fixture.begin()
        var one = record.openStage(Known.stage)
        var two = record.openStage(Known.guardStage)
        for round in 0..<5 {
            one.set("round", .int(Int64(round)))
            two.set("round", .int(Int64(-round)))
            two.set("other", .string("\(round)"))
        }
        one.finish(.passed)
        two.finish(.passed)
        record.finish(.passed)
        let scopes = try #require(self.fixture.finished.first?.scopes)
        #expect(scopes.map(\.fields) == [["round": "4"], ["round": "-4", "other": "4"]])
    }

    @Test func `a stage keeps verdict and action apart and is busy as long as it was open`() throws {
        let record = self.fixture.begin()
        var stage = record.openStage(Known.guardStage)
        stage.decide(.reject, .continue)
        stage.fail("prompt_denied")
        stage.addBytesDelta(-30)
        stage.addBytesDelta(10)
        stage.finish(.passed)
        record.finish(.passed)
        let scope = try #require(self.fixture.finished.first?.scopes.first)
        #expect(scope.stage == "ai-prompt-guard request")
        #expect(scope.evidence.verdict == .reject)
        #expect(scope.evidence.action == .continue)
        #expect(scope.errorType == "prompt_denied")
        #expect(scope.evidence.bytesDelta == -20)
        #expect(scope.evidence.busy == scope.evidence.end - scope.evidence.start)
        #expect(!scope.evidence.isOpen)
    }

    @Test func `a stream stage is busy for its own time only`() throws {
        let record = self.fixture.begin()
        var stage = record.openStage(Known.streamStage)
        stage.addBusy(300, events: 2)
        stage.addBusy(40, events: 0)
        stage.finish(.passed)
        record.finish(.passed)
        let scope = try #require(self.fixture.finished.first?.scopes.first)
        #expect(scope.evidence.busy == 340)
        #expect(scope.evidence.eventCount == 2)
    }

    @Test func `attempts are numbered and each records its own facts`() throws {
        let record = self.fixture.begin()
        for port in [1, 2, 3] as [UInt16] {
            var scope = record.openAttempt()
            scope.withAttempt { attempt, evidence in
                attempt.serverPort = port
                attempt.serverAddress = evidence.text("host-\(port)")
            }
            scope.finish(port == 3 ? .passed : .failed)
        }
        record.finish(.passed)
        let request = try #require(self.fixture.finished.first)
        #expect(request.attempts.map(\.serverPort) == [1, 2, 3])
        #expect(request.attempts.map(\.resendCount) == [0, 1, 2])
        #expect(request.scopes.map(\.evidence.outcome) == [.failed, .failed, .passed])
        #expect(request.scopes.map(\.evidence.kind) == [.attempt, .attempt, .attempt])
    }

    @Test func `a stage has no attempt to change`() {
        let record = self.fixture.begin()
        var stage = record.openStage(Known.stage)
        stage.withAttempt { _, _ in Issue.record("a stage is no attempt") }
        #expect(stage.attempt == nil)
        stage.finish(.passed)
        record.finish(.passed)
    }

    @Test func `stages of one plugin and phase share a metric index and others do not`() {
        let again = StageIdentity(plugin: "key-auth", phase: .request, instanceID: "other")
        #expect(again.metricIndex == Known.stage.metricIndex)
        #expect(StageIdentity(plugin: "key-auth", phase: .response).metricIndex != Known.stage.metricIndex)
        #expect(Known.guardStage.metricIndex != Known.stage.metricIndex)
    }

    // MARK: Limits

    @Test func `scopes beyond the limit are counted and do no harm`() throws {
        let record = self.fixture.begin()
        let extra = 10
        for _ in 0..<(RequestEvidence.maximumScopes + extra) {
            var stage = record.openStage(Known.stage)
            stage.set("x", .int(1))
            stage.decide(.pass, .continue)
            stage.finish(.passed)
        }
        var attempt = record.openAttempt()
        attempt.withAttempt { _, _ in Issue.record("the scope of this attempt is not recorded") }
        attempt.finish(.passed)
        record.finish(.passed)
        let request = try #require(self.fixture.finished.first)
        #expect(request.scopes.count == RequestEvidence.maximumScopes)
        #expect(Int(request.root.droppedScopes) == extra + 1)
        #expect(self.fixture.registry.total("pellucid.scopes.dropped") == Double(extra + 1))
    }

    @Test func `attributes beyond the limit are left out`() throws {
        let record = self.fixture.begin()
        let keys: [StaticString] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11", "k12", "k13", "k14", "k15", "k16"]
        for _ in 0..<RequestEvidence.maximumScopes {
            var stage = record.openStage(Known.stage)
            for key in keys { stage.set(key, .int(1)) }
            stage.finish(.passed)
        }
        record.finish(.passed)
        let request = try #require(self.fixture.finished.first)
        #expect(request.scopes.reduce(0) { $0 + $1.fields.count } == RequestEvidence.maximumAttributes)
        #expect(request.scopes[0].fields.count == keys.count)
    }

    @Test func `text beyond the limit of the arena is absent and what was there stays`() {
        let evidence = RequestEvidence()
        let kept = evidence.text("kept")
        let big = [UInt8](repeating: 0x61, count: RequestEvidence.maximumArenaBytes - 4)
        let fits = big.withUnsafeBytes { evidence.text($0) }
        #expect(fits.count == big.count)
        #expect(evidence.text("x").isEmpty)
        #expect(evidence.text("").isEmpty)
        #expect(evidence.string(of: kept) == "kept")
        let pairs = evidence.pairs { add in big.withUnsafeBytes { add($0, $0) } }
        #expect(pairs.isEmpty)
        evidence.reset()
        #expect(evidence.string(of: evidence.text("again")) == "again")
    }

    @Test func `pairs are names and values ended by zero bytes`() {
        let evidence = RequestEvidence()
        _ = evidence.text("before")
        let pairs = evidence.pairs { add in
            for (name, value) in [("a", "1"), ("empty", ""), ("c", "3")] {
                Array(name.utf8).withUnsafeBytes { name in Array(value.utf8).withUnsafeBytes { value in add(name, value) } }
            }
        }
        #expect(evidence.string(of: pairs) == "a\u{0}1\u{0}empty\u{0}\u{0}c\u{0}3\u{0}")
        #expect(evidence.pairs { _ in }.isEmpty)
    }

    @Test func `a constant is recorded without touching the arena`() {
        let evidence = RequestEvidence()
        let constant = EvidenceText("constant")
        #expect(evidence.string(of: constant) == "constant")
        #expect(constant.bytes(in: evidence.textBase).elementsEqual("constant".utf8))
        #expect(EvidenceText().isEmpty)
    }

    @Test func `values are equal by kind and content`() {
        #expect(EvidenceValue.name("a") == .name("a"))
        #expect(EvidenceValue.int(1) == .int(1))
        #expect(EvidenceValue.double(1) == .double(1))
        #expect(EvidenceValue.bool(true) == .bool(true))
        #expect(EvidenceValue.string("a") == .string("a"))
        #expect(EvidenceValue.string("a") != .name("a"))
        #expect(EvidenceValue.int(1) != .double(1))
    }

    @Test func `wall time of an instant is counted from the start of the request`() {
        let evidence = RequestEvidence()
        evidence.root.startMonotonic = 1000
        evidence.root.startWall = 5_000_000
        #expect(evidence.wall(1500) == 5_000_500)
    }
}
