import Synchronization

/// Takes finished requests from all loops to all consumers, on one thread of its own, and proves that none got lost.
///
/// Loops never wait for it: they push into bounded rings, and what a full ring refuses is counted as dropped.
public final class EvidenceFlow: @unchecked Sendable {
    // Unchecked: `loops` and `consumers` are guarded by `state`; the drain's own counters by `accounting`.

    private struct State {
        var tail: TailSampling? = TailSampling()
        var redaction: RedactionPolicies?
        var loops: [LoopTelemetry] = []
        var global: [any EvidenceConsumer] = []
        var scoped: [any EvidenceConsumer] = []
        var isStopping = false
        var hasStopped = false
        var isRunning = false
        /// Completed rounds of the drain thread.
        var rounds: UInt64 = 0
    }

    private let state = Mutex(State())
    /// Guards the step "popped and offered to everyone", so that a scrape sees it whole.
    private let accounting = Mutex<UInt64>(0)
    private let signal = ThreadSignal()
    private let retiring = ThreadSignal()
    public let registry: MetricRegistry
    private let ringCapacity: Int
    /// Drain thread only.
    private let decisions: SamplingCounter
    /// Longest time a finished request waits for the drain thread, nanoseconds.
    private static let pollInterval: UInt64 = 100_000_000

    /// - Parameter ringCapacity: finished requests a loop may be ahead of the drain thread; a power of two.
    public init(registry: MetricRegistry, ringCapacity: Int = 8192) {
        self.registry = registry
        self.ringCapacity = ringCapacity
        self.decisions = SamplingCounter(registry.makeShard())
    }

    /// Which requests are exported in spite of the head decision; nil: none.
    public func setTailSampling(_ tail: TailSampling?) { self.state.withLock { $0.tail = tail } }

    public func makeLoop(identifiers: IdentifierGenerator = IdentifierGenerator()) -> LoopTelemetry {
        let loop = LoopTelemetry(flow: self, metrics: self.registry.makeShard(), ringCapacity: self.ringCapacity, identifiers: identifiers)
        self.state.withLock { $0.loops.append(loop) }
        return loop
    }

    /// What is taken out of the evidence before consumers see it; nil: nothing.
    public func setRedaction(_ policies: RedactionPolicies?) { self.state.withLock { $0.redaction = policies.flatMap { $0.isEmpty ? nil : $0 } } }

    /// Adds a consumer that sees every request.
    public func addGlobal(_ consumer: any EvidenceConsumer) { self.state.withLock { $0.global.append(consumer) } }

    /// Adds a consumer that sees the requests whose evidence names it; it is ticked and shut down here.
    public func addScoped(_ consumer: any EvidenceConsumer) { self.state.withLock { $0.scoped.append(consumer) } }

    public func remove(_ consumer: any EvidenceConsumer) {
        self.state.withLock { state in
            state.global.removeAll { $0 === consumer }
            state.scoped.removeAll { $0 === consumer }
        }
    }

    /// Takes consumers out and ships what they hold, all at the same time: each has so long for it. Blocks the caller.
    ///
    /// Nothing that still runs may name them; what waits in the rings and does is offered first.
    public func retire(_ consumers: [any EvidenceConsumer], within nanoseconds: UInt64) {
        let limit = MonotonicClock.now() &+ nanoseconds
        // Two rounds of the drain thread: what was in the rings when this was called has been offered then.
        for _ in 0..<2 { self.awaitRound(until: limit) }
        for consumer in consumers { self.remove(consumer) }
        // The round that is going on may have read the list before.
        self.awaitRound(until: limit)
        // The waits above, and one of them that takes all its time, must not take that of the others.
        let deadline = MonotonicClock.now() &+ nanoseconds
        for consumer in consumers { consumer.prepareShutdown(deadline: deadline) }
        for consumer in consumers { consumer.shutdown(deadline: deadline) }
    }

    private func awaitRound(until limit: UInt64) {
        let round = self.state.withLock { $0.rounds }
        self.signal.notify()
        while self.state.withLock({ $0.rounds == round && !$0.hasStopped && $0.isRunning }), MonotonicClock.now() < limit { self.retiring.wait(nanoseconds: 5_000_000) }
    }

    /// Starts the drain thread.
    public func start() {
        let code = WorkerThread.start("telemetry") { self.run() }
        if code != 0 { DiagnosticLog.shared.error("the telemetry thread could not be started", ("errno", "\(code)")) }
    }

    func wake() { self.signal.notify() }

    private func run() {
        self.state.withLock { $0.isRunning = true }
        while true {
            let moved = self.drainOnce()
            let now = MonotonicClock.now()
            let (consumers, stop) = self.state.withLock { ($0.global + $0.scoped, $0.isStopping) }
            for consumer in consumers { consumer.tick(now: now) }
            self.state.withLock { $0.rounds &+= 1 }
            if stop && moved == 0 { break }
            if moved == 0 { self.signal.wait(nanoseconds: EvidenceFlow.pollInterval) }
        }
        self.state.withLock { $0.hasStopped = true }
    }

    /// Moves what is in the rings now. Called by the drain thread, and by tests that have no thread.
    @discardableResult
    public func drainOnce() -> Int {
        let (loops, global, tail, redaction) = self.state.withLock { ($0.loops, $0.global, $0.tail, $0.redaction) }
        var moved = 0
        for loop in loops {
            var budget = loop.ring.capacity
            while budget > 0, let evidence = self.takeAndOffer(loop, global, tail, redaction) {
                evidence.reset()
                _ = loop.returns.push(evidence)
                budget -= 1
                moved += 1
            }
        }
        return moved
    }

    private func takeAndOffer(
        _ loop: LoopTelemetry, _ global: [any EvidenceConsumer], _ tail: TailSampling?, _ redaction: RedactionPolicies?
    ) -> RequestEvidence? {
        self.accounting.withLock { taken in
            guard let evidence = loop.ring.pop() else { return nil }
            taken &+= 1
            if !evidence.root.isSampled, let tail { evidence.root.tailReason = tail.reason(evidence) }
            self.decisions.count(evidence.root)
            if let redaction {
                redaction.base.apply(to: evidence)
                for consumer in global { redaction.offer(evidence, to: consumer) }
                for consumer in evidence.sinks { redaction.offer(evidence, to: consumer) }
            } else {
                for consumer in global { consumer.consume(evidence) }
                for consumer in evidence.sinks { consumer.consume(evidence) }
            }
            return evidence
        }
    }

    /// The conservation check: requests that ended and that neither a ring, a consumer nor a drop count explains. 0 unless there is a defect.
    ///
    /// The accounting lock makes "popped" and "offered" one step, so nothing leaves a ring meanwhile; a loop that is just handing a request
    /// over shows by its two counters, and is read again.
    public func unaccountedRequests() -> Int64 {
        let (loops, consumers) = self.state.withLock { ($0.loops, $0.global + $0.scoped) }
        return self.accounting.withLock { taken in
            var finished: UInt64 = 0
            var explained = taken
            for loop in loops {
                let (ended, waiting) = loop.settledCounts()
                finished &+= ended
                explained &+= waiting
            }
            let inFlow = Int64(bitPattern: finished &- explained)
            return consumers.reduce(inFlow) { $0 + abs($1.counts().unaccounted) }
        }
    }

    public var inFlight: UInt64 { self.state.withLock { $0.loops }.reduce(0) { $0 + $1.inFlight } }
    public var finished: UInt64 { self.state.withLock { $0.loops }.reduce(0) { $0 + $1.finishedCount } }
    /// Finished requests that a full ring refused.
    public var refused: UInt64 { self.state.withLock { $0.loops }.reduce(0) { $0 + $1.refusedCount } }
    /// Finished requests waiting for the drain thread.
    public var waiting: Int { self.state.withLock { $0.loops }.reduce(0) { $0 + $1.ring.count } }
    public func forEachConsumer(_ body: (any EvidenceConsumer) -> Void) {
        for consumer in self.state.withLock({ $0.global + $0.scoped }) { body(consumer) }
    }

    /// Drains everything, lets every consumer ship until `deadline` (``MonotonicClock``), and ends the thread. Blocks the caller.
    public func shutdown(deadline: UInt64) {
        self.state.withLock { $0.isStopping = true }
        self.signal.notify()
        while !self.state.withLock({ $0.hasStopped }), MonotonicClock.now() < deadline { self.signal.wait(nanoseconds: 5_000_000) }
        let consumers = self.state.withLock { $0.global + $0.scoped }
        for consumer in consumers { consumer.prepareShutdown(deadline: deadline) }
        for consumer in consumers { consumer.shutdown(deadline: deadline) }
    }
}
