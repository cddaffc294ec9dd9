import Synchronization

/// Recording for one event loop: ids, pooled evidence, metric cells and the ring to the drain thread. Used on that loop only,
/// except for the counters that scrapes read.
public final class LoopTelemetry: @unchecked Sendable {
    // Unchecked: everything mutable is confined to the loop, or atomic.

    public let metrics: MetricShard
    package var identifiers: IdentifierGenerator
    let instruments: EvidenceMetrics
    let ring: EvidenceRing
    /// Evidence on its way back from the drain thread.
    let returns: EvidenceRing
    private var pool: [RequestEvidence] = []
    private unowned let flow: EvidenceFlow

    private let started = Atomic<UInt64>(0)
    /// Requests that began to end, and that ended: between the two a request is being handed over.
    private let ending = Atomic<UInt64>(0)
    private let finished = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)

    static let poolLimit = 256
    /// Finished requests after which the drain thread is woken before its time.
    static let wakeInterval = 64
    private var sinceWake = 0

    init(flow: EvidenceFlow, metrics: MetricShard, ringCapacity: Int, identifiers: IdentifierGenerator = IdentifierGenerator()) {
        self.flow = flow
        self.metrics = metrics
        self.identifiers = identifiers
        self.instruments = EvidenceMetrics(shard: metrics, registry: flow.registry)
        self.ring = EvidenceRing(capacity: ringCapacity)
        self.returns = EvidenceRing(capacity: ringCapacity)
    }

    /// Starts the record of a request: takes the time, makes ids, joins the caller's trace where there is one.
    ///
    /// - Parameter configurationHash: of what the request runs under, whatever becomes of it: a refusal has one as well.
    package func begin(parent: TraceContext?, isSampled: Bool, configurationHash: String = "", at now: UInt64 = MonotonicClock.now()) -> RequestRecord {
        let evidence = self.takeEvidence()
        evidence.configurationHash = configurationHash
        var root = RootEvidence()
        root.startMonotonic = now
        root.startWall = MonotonicClock.wall()
        if let parent {
            root.traceIDHigh = parent.traceIDHigh
            root.traceIDLow = parent.traceIDLow
            root.parentSpanID = parent.spanID
        } else {
            root.traceIDHigh = self.identifiers.next()
            root.traceIDLow = self.identifiers.next()
        }
        root.isSampled = isSampled
        root.spanID = self.identifiers.next()
        root.requestIDHigh = self.identifiers.next()
        root.requestIDLow = self.identifiers.next()
        evidence.root = root
        self.started.store(self.started.load(ordering: .relaxed) &+ 1, ordering: .releasing)
        return RequestRecord(evidence: evidence, telemetry: self)
    }

    /// Requests begun and not yet ended.
    public var inFlight: UInt64 {
        let finished = self.finished.load(ordering: .acquiring)
        return self.started.load(ordering: .acquiring) &- finished
    }
    var finishedCount: UInt64 { self.finished.load(ordering: .acquiring) }
    var refusedCount: UInt64 { self.refused.load(ordering: .acquiring) }

    /// Requests ended, and of those the ones in the ring or refused by it, read while none was being handed over.
    func settledCounts() -> (ended: UInt64, waiting: UInt64) {
        while true {
            let ended = self.finished.load(ordering: .sequentiallyConsistent)
            let waiting = UInt64(self.ring.count) &+ self.refused.load(ordering: .sequentiallyConsistent)
            if self.ending.load(ordering: .sequentiallyConsistent) == ended { return (ended, waiting) }
        }
    }

    func finish(_ evidence: RequestEvidence, _ outcome: Outcome) {
        evidence.root.outcome = outcome
        if evidence.root.errorType.isEmpty { evidence.nameError() }
        evidence.root.endMonotonic = MonotonicClock.now()
        self.closeOpenScopes(of: evidence)
        evidence.generation &+= 1
        self.instruments.record(evidence)
        self.ending.store(self.ending.load(ordering: .relaxed) &+ 1, ordering: .sequentiallyConsistent)
        if !self.ring.push(evidence) {
            self.refused.store(self.refused.load(ordering: .relaxed) &+ 1, ordering: .releasing)
            evidence.reset()
            if self.pool.count < LoopTelemetry.poolLimit { self.pool.append(evidence) }
        }
        self.finished.store(self.finished.load(ordering: .relaxed) &+ 1, ordering: .releasing)
        // Often enough that the same few evidence objects go round: a longer queue would be a larger working set.
        self.sinceWake &+= 1
        if self.sinceWake == LoopTelemetry.wakeInterval {
            self.sinceWake = 0
            self.flow.wake()
        }
    }

    /// A scope whose record is still alive when its request ends is shown as abandoned at that instant.
    private func closeOpenScopes(of evidence: RequestEvidence) {
        for i in evidence.scopes.indices where evidence.scopes[i].isOpen {
            evidence.scopes[i].end = evidence.root.endMonotonic
            evidence.scopes[i].isOpen = false
        }
    }

    private func takeEvidence() -> RequestEvidence {
        if let pooled = self.pool.popLast() { return pooled }
        while let returned = self.returns.pop() {
            if self.pool.count < LoopTelemetry.poolLimit { self.pool.append(returned) }
        }
        if let pooled = self.pool.popLast() { return pooled }
        let fresh = RequestEvidence()
        fresh.home = self
        return fresh
    }
}
