/// The recording handle of one request. Not copyable; its `deinit` derives the metrics and hands the evidence over, exactly once.
public struct RequestRecord: ~Copyable {
    package let evidence: RequestEvidence
    package let telemetry: LoopTelemetry
    private var outcome = Outcome.abandoned

    init(evidence: RequestEvidence, telemetry: LoopTelemetry) {
        self.evidence = evidence
        self.telemetry = telemetry
    }

    /// Changes the root evidence in place; text is recorded through the second argument, whose `root` must not be touched meanwhile.
    @inline(__always)
    package borrowing func update(_ body: (inout RootEvidence, RequestEvidence) -> Void) {
        body(&self.evidence.root, self.evidence)
    }

    package borrowing func matched(_ route: RouteIdentity, sinks: [any EvidenceConsumer]) {
        self.evidence.route = route
        if !sinks.isEmpty { self.evidence.sinks = sinks }
    }

    /// A request without a route, which the log plugins of no service, route or consumer still see.
    package borrowing func unmatched(sinks: [any EvidenceConsumer]) {
        if !sinks.isEmpty { self.evidence.sinks = sinks }
    }

    package borrowing func authenticated(_ consumer: ConsumerIdentity) { self.evidence.consumer = consumer }

    package borrowing func openStage(_ identity: StageIdentity) -> ScopeRecord {
        let spanID = self.telemetry.identifiers.next()
        let detail = self.evidence.stageIndex(of: identity)
        let index = self.evidence.openScope(.stage, detail: detail, parent: self.evidence.root.spanID, spanID: spanID, at: MonotonicClock.now())
        return ScopeRecord(evidence: self.evidence, index: index, spanID: spanID)
    }

    /// Adds to the last request stage what only turned out after it: why the target it chose among many was none.
    package borrowing func annotateStage(_ key: StaticString, _ value: EvidenceValue) {
        let stage = self.evidence.scopes.lastIndex { $0.kind == .stage && self.evidence.stages[Int($0.detail)].phase == .request }
        if let stage { self.evidence.set(key, value, scope: stage) }
    }

    /// Adds to the request stage of a plugin what only turned out after it.
    package borrowing func annotateStage(of plugin: StaticString, _ key: StaticString, _ value: EvidenceValue) {
        let stage = self.evidence.scopes.lastIndex {
            guard $0.kind == .stage else { return false }
            let identity = self.evidence.stages[Int($0.detail)]
            return identity.phase == .request && identity.plugin.utf8Start == plugin.utf8Start
        }
        if let stage { self.evidence.set(key, value, scope: stage) }
    }

    package borrowing func openAttempt() -> ScopeRecord {
        let spanID = self.telemetry.identifiers.next()
        var attempt = AttemptEvidence()
        attempt.resendCount = UInt16(clamping: self.evidence.attempts.count)
        self.evidence.attempts.append(attempt)
        let detail = UInt16(clamping: self.evidence.attempts.count - 1)
        let index = self.evidence.openScope(.attempt, detail: detail, parent: self.evidence.root.spanID, spanID: spanID, at: MonotonicClock.now())
        return ScopeRecord(evidence: self.evidence, index: index, spanID: spanID)
    }

    /// Counts the gaps before streamed chunks of an open attempt: one of `gap` nanoseconds, the others of none because they came together.
    package borrowing func recordChunks(_ scope: borrowing ScopeRecord, gap: UInt64, simultaneous: UInt64, at now: UInt64) {
        guard let attempt = scope.attempt else { return }
        self.telemetry.instruments.recordChunkGap(attempt, self.evidence, nanoseconds: gap, simultaneous: simultaneous, at: now)
    }

    package consuming func finish(_ outcome: Outcome) { self.outcome = outcome }

    deinit { self.telemetry.finish(self.evidence, self.outcome) }
}
