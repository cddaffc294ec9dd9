import GatewayCore
import Synchronization
import Telemetry

/// The balancer of one configured instance: who is in service, whom the algorithm takes, and what attempts teach.
final class Balancer: TargetBalancer {
    let targets: [BalancedTarget]
    let settings: BalancerSettings
    let cells: [TargetCells]
    let policy: FailoverPolicy
    let circuit: CircuitBreaker
    let budget: RetryBudget?
    /// What hedged requests are taken from.
    let hedges: RetryBudget?
    private let algorithm: any SelectionAlgorithm
    private let tickets: Atomic<UInt64>
    /// Whether targets can be out of service at all but for `Retry-After`.
    private let canBeOut: Bool
    /// Until when some target asked to be left alone: before that nobody is looked at for it.
    private let lastCoolUntil = Atomic<UInt64>(0)
    /// Called when the last snapshot lets go of it.
    private let onEnd: @Sendable () -> Void

    init(targets: [BalancedTarget], settings: BalancerSettings, cells: [TargetCells], onEnd: @escaping @Sendable () -> Void = {}) {
        self.targets = targets
        self.settings = settings
        self.cells = cells
        self.policy = FailoverPolicy(criteria: settings.criteria)
        self.circuit = CircuitBreaker(maximumFailures: settings.maximumFailures, failTimeout: settings.failTimeout)
        self.budget = settings.retryBudgetPercent.map { RetryBudget(percent: $0, minimumPerSecond: settings.retryBudgetMinimum) }
        self.hedges = settings.hedgeDelay > 0 ? RetryBudget(percent: settings.hedgePercent, minimumPerSecond: 1) : nil
        self.algorithm = Balancer.algorithm(targets, settings, cells)
        self.tickets = Atomic(settings.seed)
        self.canBeOut = settings.maximumFailures > 0 || settings.healthInterval > 0
        self.onEnd = onEnd
    }

    deinit { self.onEnd() }

    private static func algorithm(_ targets: [BalancedTarget], _ settings: BalancerSettings, _ cells: [TargetCells]) -> any SelectionAlgorithm {
        let weights = targets.map(\.weight)
        return switch settings.algorithm {
        case .roundRobin: RoundRobin(weights: weights, slots: settings.slots)
        case .consistentHashing: ConsistentHashing(keys: targets.map(\.key), weights: weights, slots: settings.slots)
        case .leastConnections: LeastConnections(cells: cells, weights: weights)
        case .lowestLatency: LowestLatency(cells: cells, measure: settings.latency, decay: settings.latencyDecay)
        case .lowestUsage: LowestUsage(cells: cells, weights: weights, measure: settings.usage, halfLife: settings.usageHalfLife)
        case .priority: PriorityGroups(weights: weights, slots: settings.slots)
        case .semantic: RankedGroups(weights: weights, slots: settings.slots)
        case .powerOfTwoChoices: PowerOfTwoChoices(cells: cells, weights: weights)
        }
    }

    func director(_ query: BalancerQuery, _ planner: any TargetPlanner) -> any AttemptDirector { BalancedAttempts(self, query, planner) }

    func scored(_ target: Int, _ score: Double, now: UInt64) {
        guard self.cells.indices.contains(target), score >= 1, score <= 100 else { return }
        LowestUsage.score(self.cells[target], score)
    }

    /// A target that is asked whether it is alive.
    struct Probe: Sendable {
        let cells: TargetCells
        let url: String
        let verifiesTLS: Bool
    }

    var probes: [Probe] {
        zip(self.targets, self.cells).compactMap { target, cells in target.probe.map { Probe(cells: cells, url: $0.url, verifiesTLS: $0.verifiesTLS) } }
    }

    // MARK: Choosing

    /// A target taken for an attempt; the attempt's end must be told to ``ended(_:retryAfter:)``.
    struct Choice {
        let target: Int
        let reason: StaticString
        let candidates: Int
        let skipped: String
        /// Whether it failed this request before.
        let isRepeat: Bool
        /// How long the target still wants to be left alone, nanoseconds.
        let wait: UInt64
    }

    /// Who can be chosen, by how much one would like to.
    private struct Field {
        /// In service, not tried, not asked to be left alone.
        var good = TargetSet()
        /// Somebody's trial is under way.
        var onTrial = TargetSet()
        var tried = TargetSet()
        var cooling = TargetSet()
        /// Tried, and to be left alone for a moment only.
        var triedCooling = TargetSet()
        var skipped: [(target: Int, why: StaticString)] = []
    }

    /// Takes a target; nil when none of the allowed ones is in service.
    func choose(_ query: BalancerQuery, tried: TargetSet, now: UInt64) -> Choice? {
        var field = self.field(query.allowed, tried: tried, now: now)
        while let (eligible, reason) = Balancer.best(field, preferred: query.preferred) {
            let ticket = self.tickets.wrappingAdd(1, ordering: .relaxed).oldValue
            let count = eligible.count
            let selection: Selection
            if count == 1, let only = eligible.first {
                selection = Selection(target: only, reason: reason ?? (self.targets.count == 1 ? "only_candidate" : self.reasonForOne(only, query, now, ticket)))
            } else {
                let input = SelectionInput(
                    eligible: eligible, hash: query.hash, ranking: query.ranking, rankingReason: query.rankingReason, now: now, ticket: ticket)
                let chosen = self.algorithm.select(input)
                selection = Selection(target: chosen.target, reason: reason ?? chosen.reason)
            }
            let cell = self.cells[selection.target]
            if self.circuit.state(cell, now: now) == .halfOpen, !self.circuit.beginTrial(cell, now: now) {
                // Another loop was faster.
                field.good.remove(selection.target)
                field.onTrial.insert(selection.target)
                continue
            }
            cell.inFlight.wrappingAdd(1, ordering: .relaxed)
            let coolUntil = cell.coolUntil.load(ordering: .relaxed)
            return Choice(
                target: selection.target, reason: selection.reason, candidates: count, skipped: self.text(of: field.skipped), isRepeat: tried.contains(selection.target),
                wait: coolUntil > now ? coolUntil - now : 0)
        }
        return nil
    }

    /// Why each target cannot be taken now: `name:why`, with commas between.
    func reasons(against allowed: TargetSet, now: UInt64) -> String { self.text(of: self.field(allowed, tried: TargetSet(), now: now).skipped) }

    /// The algorithm's own reason where only one target is left; its rotation moves on all the same.
    private func reasonForOne(_ target: Int, _ query: BalancerQuery, _ now: UInt64, _ ticket: UInt64) -> StaticString {
        self.settings.algorithm == .semantic || self.settings.algorithm == .priority
            ? self.algorithm.select(
                SelectionInput(
                    eligible: TargetSet([target]), hash: query.hash, ranking: query.ranking, rankingReason: query.rankingReason, now: now, ticket: ticket)
            ).reason : "only_candidate"
    }

    private func field(_ allowed: TargetSet, tried: TargetSet, now: UInt64) -> Field {
        var field = Field()
        if !self.canBeOut, self.lastCoolUntil.load(ordering: .relaxed) <= now, tried.isEmpty, allowed.count == self.targets.count {
            // The usual case, in which no target has to be looked at.
            field.good = allowed
            return field
        }
        for target in self.targets.indices {
            guard allowed.contains(target) else {
                field.skipped.append((target, "not_allowed"))
                continue
            }
            let cell = self.cells[target]
            if self.isDown(cell) {
                field.skipped.append((target, "down"))
                continue
            }
            let coolUntil = cell.coolUntil.load(ordering: .relaxed)
            switch self.circuit.state(cell, now: now) {
            case .open: field.skipped.append((target, "open"))
            case .onTrial:
                field.onTrial.insert(target)
                field.skipped.append((target, "on_trial"))
            case .closed, .halfOpen:
                if coolUntil > now {
                    if !tried.contains(target) { field.cooling.insert(target) } else if coolUntil - now <= Balancer.longestWait { field.triedCooling.insert(target) }
                    field.skipped.append((target, "retry_after"))
                } else if tried.contains(target) {
                    field.tried.insert(target)
                    field.skipped.append((target, "tried"))
                } else {
                    field.good.insert(target)
                }
            }
        }
        return field
    }

    private static func best(_ field: Field, preferred: TargetSet?) -> (TargetSet, StaticString?)? {
        if let preferred, !field.good.isEmpty {
            let inside = field.good.intersection(preferred)
            return inside.isEmpty ? (field.good, "outside_group") : (inside, nil)
        }
        if !field.good.isEmpty { return (field.good, nil) }
        if !field.tried.isEmpty { return (field.tried, "retry") }
        if !field.onTrial.isEmpty { return (field.onTrial, "on_trial") }
        if !field.cooling.isEmpty { return (field.cooling, "retry_after") }
        if !field.triedCooling.isEmpty { return (field.triedCooling, "retry") }
        return nil
    }

    /// Longest wait of a request for a target that asked to be left alone, nanoseconds.
    static let longestWait: UInt64 = 1_000_000_000

    /// Whether ``choose(_:tried:now:)`` would find a target after an attempt.
    ///
    /// - Parameters:
    ///   - current: the attempt's target, and how long it wants to be left alone.
    ///   - failed: whether the attempt counts for its circuit.
    func hasTarget(_ allowed: TargetSet, tried: TargetSet, current: (target: Int, retryAfter: UInt64)?, failed: Bool, now: UInt64) -> Bool {
        for target in self.targets.indices where allowed.contains(target) {
            let cell = self.cells[target]
            if self.isDown(cell) || self.circuit.state(cell, now: now) == .open { continue }
            if let current, current.target == target {
                if failed, self.circuit.opens(cell) || current.retryAfter > Balancer.longestWait { continue }
            } else if tried.contains(target), cell.coolUntil.load(ordering: .relaxed) > now &+ Balancer.longestWait {
                continue
            }
            return true
        }
        return false
    }

    /// What active health checks have found; where there are none any more, what they once found counts no longer.
    func isDown(_ cell: TargetCells) -> Bool { self.settings.healthInterval > 0 && cell.isDown.load(ordering: .relaxed) }

    private func text(of skipped: [(target: Int, why: StaticString)]) -> String {
        guard !skipped.isEmpty else { return "" }
        var text = ""
        for (target, why) in skipped {
            if !text.isEmpty { text += ", " }
            text += self.targets[target].name
            text += ":"
            why.withUTF8Buffer { text += String(decoding: $0, as: UTF8.self) }
        }
        return text
    }

    // MARK: Learning

    /// Ends an attempt.
    ///
    /// - Parameters:
    ///   - criterion: what its failure falls under; nil: it did not fail.
    ///   - retryAfter: how long the target wants to be left alone, nanoseconds.
    func ended(_ report: AttemptReport, criterion: FailoverCriteria?, retryAfter: UInt64) {
        let cell = self.cells[report.target]
        cell.inFlight.wrappingSubtract(1, ordering: .relaxed)
        let now = report.endedAt
        if retryAfter > 0 {
            let until = now &+ min(retryAfter, self.settings.longestRetryAfter)
            cell.coolUntil.store(until, ordering: .relaxed)
            self.lastCoolUntil.max(until, ordering: .relaxed)
        }
        switch report.ending {
        case .cancelled: self.circuit.released(cell)
        case .broken:
            // Kong's criteria end with the response's head: what breaks later does not open the circuit, but is no latency either.
            self.circuit.released(cell)
            self.algorithm.observe(report, isSuccess: false)
        case .served, .failed:
            if let criterion, self.policy.isUnsuccessful(criterion) { self.circuit.failed(cell, now: now) } else { self.circuit.succeeded(cell, now: now) }
            // A client's own mistake says nothing about the target, least of all how fast it is.
            if criterion == nil, report.status >= 400 { return }
            self.algorithm.observe(report, isSuccess: criterion == nil)
        }
    }
}
