import Synchronization

/// Kong's circuit breaker for one target (https://developer.konghq.com/ai-gateway/load-balancing/#health-check-and-circuit-breaker):
/// unsuccessful attempts are counted in total, not in a row; at `max_fails` the target is out of service for `fail_timeout` from the last of them, then
/// reconsidered: a failure puts it out again, a success takes it back. Only a success that comes `fail_timeout` after the last failure resets the count.
///
/// Reconsidering is one attempt at a time, where Kong lets all come: a target that is still down costs one request, not a crowd of them.
struct CircuitBreaker: Sendable {
    let maximumFailures: Int
    let failTimeout: UInt64

    enum State: Int, Sendable {
        case closed
        /// The next attempt decides.
        case halfOpen
        /// That attempt is under way.
        case onTrial
        case open
    }

    func state(_ cells: TargetCells, now: UInt64) -> State {
        guard self.maximumFailures > 0, cells.failures.load(ordering: .relaxed) >= self.maximumFailures else { return .closed }
        if !self.hasElapsed(since: cells.lastFailureAt.load(ordering: .relaxed), now) { return .open }
        let trial = cells.trialAt.load(ordering: .relaxed)
        // A trial that outlasts the timeout no longer keeps others away.
        return trial == 0 || self.hasElapsed(since: trial, now) ? .halfOpen : .onTrial
    }

    /// Takes the attempt that decides; false when another request has it.
    func beginTrial(_ cells: TargetCells, now: UInt64) -> Bool {
        let trial = cells.trialAt.load(ordering: .relaxed)
        if trial != 0, !self.hasElapsed(since: trial, now) { return false }
        return cells.trialAt.claim(from: trial, to: max(1, now))
    }

    func succeeded(_ cells: TargetCells, now: UInt64) {
        guard self.maximumFailures > 0, cells.failures.load(ordering: .relaxed) > 0 else { return }
        guard self.hasElapsed(since: cells.lastFailureAt.load(ordering: .relaxed), now) else { return }
        cells.failures.store(0, ordering: .relaxed)
        cells.trialAt.store(0, ordering: .relaxed)
    }

    func failed(_ cells: TargetCells, now: UInt64) {
        guard self.maximumFailures > 0 else { return }
        cells.lastFailureAt.store(now, ordering: .relaxed)
        cells.failures.wrappingAdd(1, ordering: .relaxed)
        cells.trialAt.store(0, ordering: .relaxed)
    }

    /// Whether one more failure opens the circuit, or keeps it open.
    func opens(_ cells: TargetCells) -> Bool {
        self.maximumFailures > 0 && cells.failures.load(ordering: .relaxed) + 1 >= self.maximumFailures
    }

    /// Ends a trial that decided nothing, since its client left.
    func released(_ cells: TargetCells) {
        if self.maximumFailures > 0 { cells.trialAt.store(0, ordering: .relaxed) }
    }

    private func hasElapsed(since instant: UInt64, _ now: UInt64) -> Bool { now >= instant && now - instant >= self.failTimeout }
}
