/// The recording handle of one open scope. Not copyable; its `deinit` is the only place that ends the scope.
///
/// A record that is dropped without ``finish(_:)`` ends as ``Outcome/abandoned``: forgotten evidence is evidence.
public struct ScopeRecord: ~Copyable {
    private let evidence: RequestEvidence
    private let generation: UInt64
    private let index: Int
    private var outcome = Outcome.abandoned
    private var busy: UInt64 = 0
    private var hasBusy = false

    /// The span id of this scope, parent of what it opens.
    package let spanID: UInt64

    init(evidence: RequestEvidence, index: Int, spanID: UInt64) {
        self.evidence = evidence
        self.generation = evidence.generation
        self.index = index
        self.spanID = spanID
    }

    /// What a span below this scope has as its parent.
    package var traceContext: TraceContext {
        let root = self.evidence.root
        return TraceContext(traceIDHigh: root.traceIDHigh, traceIDLow: root.traceIDLow, spanID: self.spanID, isSampled: root.isSampled)
    }

    package mutating func set(_ key: StaticString, _ value: EvidenceValue) {
        guard self.isLive else { return }
        self.evidence.set(key, value, scope: self.index)
    }

    /// Records the decision of a stage, apart from what the pipeline did about it.
    package mutating func decide(_ verdict: StageVerdict, _ action: StageAction) {
        guard self.isLive else { return }
        self.evidence.scopes[self.index].verdict = verdict
        self.evidence.scopes[self.index].action = action
    }

    package mutating func fail(_ code: StaticString) {
        guard self.isLive else { return }
        self.evidence.scopes[self.index].errorType = EvidenceText(code)
    }

    package mutating func addBytesDelta(_ delta: Int) {
        guard self.isLive else { return }
        self.evidence.scopes[self.index].bytesDelta += Int64(delta)
    }

    package mutating func addTokensDelta(_ delta: Int) {
        guard self.isLive else { return }
        self.evidence.scopes[self.index].tokensDelta += Int64(delta)
    }

    /// Own time of a stream stage, which is open much longer than it works.
    package mutating func addBusy(_ nanoseconds: UInt64, events: UInt64) {
        self.busy &+= nanoseconds
        self.hasBusy = true
        if self.isLive { self.evidence.scopes[self.index].eventCount &+= events }
    }

    /// Changes the attempt this scope records; nothing happens for other kinds.
    package mutating func withAttempt(_ body: (inout AttemptEvidence, RequestEvidence) -> Void) {
        guard self.isLive, self.evidence.scopes[self.index].kind == .attempt else { return }
        // In place: the text that the body records goes elsewhere in the evidence.
        body(&self.evidence.attempts[Int(self.evidence.scopes[self.index].detail)], self.evidence)
    }

    /// Says that this attempt, and none made beside it, is the one the client's answer comes from.
    package borrowing func answers() {
        guard self.isLive, self.evidence.scopes[self.index].kind == .attempt else { return }
        self.evidence.root.answeringIndex = self.evidence.scopes[self.index].detail
    }

    /// What is recorded of the attempt so far; nil for other kinds.
    var attempt: AttemptEvidence? {
        guard self.isLive, self.evidence.scopes[self.index].kind == .attempt else { return nil }
        return self.evidence.attempts[Int(self.evidence.scopes[self.index].detail)]
    }

    /// Opens the CLIENT span of a call to an outside service below this scope.
    package func openCall(_ name: StaticString) -> ScopeRecord {
        let spanID = self.evidence.home?.identifiers.next() ?? IdentifierGenerator.unique()
        let index = self.isLive ? self.evidence.openScope(.call, detail: 0, parent: self.spanID, spanID: spanID, at: MonotonicClock.now()) : -1
        if index >= 0 { self.evidence.scopes[index].callName = EvidenceText(name) }
        return ScopeRecord(evidence: self.evidence, index: index, spanID: spanID)
    }

    /// Ends the scope at an instant that has passed, for one whose record outlives what it is of.
    package mutating func end(at instant: UInt64) {
        guard self.isLive else { return }
        self.evidence.scopes[self.index].end = instant
    }

    package consuming func finish(_ outcome: Outcome) { self.outcome = outcome }

    private var isLive: Bool { self.index >= 0 && self.evidence.generation == self.generation }

    deinit {
        guard self.index >= 0, self.evidence.generation == self.generation else { return }
        var end = self.evidence.scopes[self.index].end
        if end == 0 {
            end = MonotonicClock.now()
            self.evidence.scopes[self.index].end = end
        }
        self.evidence.scopes[self.index].busy = self.hasBusy ? self.busy : end &- self.evidence.scopes[self.index].start
        self.evidence.scopes[self.index].outcome = self.outcome
        self.evidence.scopes[self.index].isOpen = false
    }
}
