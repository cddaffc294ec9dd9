import GatewayCore
import Synchronization
import Telemetry

/// `lowest-usage`: the target that was used least of late, by tokens or cost, for its weight; or with `llm-accuracy` the one a judge scores best.
///
/// Usage halves in the half-life, so that the past does not rule for ever. What is under way counts with what a request of the target usually takes:
/// otherwise everything would go to one target until its first answer reports. A target that is new or was away starts at the lowest of the others, not at
/// nothing, or it would get everything until it had caught up.
final class LowestUsage: SelectionAlgorithm {
    private let cells: [TargetCells]
    private let table: TargetTable
    private let weights: [Int]
    private let measure: UsageMeasure
    private let halfLife: UInt64
    /// Share of the choices by accuracy that go to any target, so that scores do not rest on old answers.
    static let exploration = 0.05

    init(cells: [TargetCells], weights: [Int], measure: UsageMeasure, halfLife: UInt64) {
        self.cells = cells
        self.table = TargetTable(cells)
        self.weights = weights
        self.measure = measure
        self.halfLife = max(1, halfLife)
    }

    func select(_ input: SelectionInput) -> Selection {
        if self.measure == .accuracy { return self.mostAccurate(input) }
        let now = input.now
        return withUnsafeTemporaryAllocation(of: Double.self, capacity: self.table.count) { used in
            // Each target's usage is brought up to date once; the second look, that needs the lowest of all, reads what the first one found.
            var floor = (used: Double.infinity, typical: Double.infinity)
            input.eligible.forEach { target in
                used.initializeElement(at: target, to: LowestUsage.unknown)
                guard !self.isFresh(target, now: now) else { return }
                let recent = self.used(target, now: now)
                used[target] = recent
                floor = (min(floor.used, recent), min(floor.typical, self.table.read(target) { $0.usageOfOne.real }))
            }
            if floor.used == .infinity { floor = (0, 0) }
            let target = Lowest.pick(input.eligible, count: self.table.count, from: input.ticket) { target in
                let (inFlight, ofOne) = self.table.read(target) { (Double($0.inFlight.load(ordering: .relaxed)), $0.usageOfOne.real) }
                let typical = max(ofOne, floor.typical)
                let recent = used[target] == LowestUsage.unknown ? floor.used : used[target]
                // Without any figures the targets take turns by what is under way.
                return recent + inFlight * typical / Double(self.weights[target]) + (typical == 0 ? inFlight : 0)
            }
            return Selection(target: target, reason: used[target] == LowestUsage.unknown ? "unmeasured" : "lowest_usage")
        }
    }

    /// Stands for the usage of a target of which nothing is known.
    private static let unknown = -1.0

    private func mostAccurate(_ input: SelectionInput) -> Selection {
        let cells = self.cells
        let unscored = Lowest.pick(input.eligible, count: cells.count, from: input.ticket) { target in
            Double(cells[target].scores.load(ordering: .relaxed) == 0 ? cells[target].inFlight.load(ordering: .relaxed) : 1_000_000)
        }
        // A few requests at a time learn the first score; a judge that never answers must not hold the rest.
        if cells[unscored].scores.load(ordering: .relaxed) == 0, cells[unscored].inFlight.load(ordering: .relaxed) < 4 {
            return Selection(target: unscored, reason: "unscored")
        }
        let random = Mixer.mix(input.ticket)
        if Mixer.unit(random) < LowestUsage.exploration {
            return Selection(target: WeightedDraw.pick(input.eligible, self.weights, Mixer.mix(random)), reason: "exploration")
        }
        let best = Lowest.pick(input.eligible, count: cells.count, from: input.ticket) { target in
            cells[target].scores.load(ordering: .relaxed) == 0 ? 100 : 100 - cells[target].score.real
        }
        return Selection(target: best, reason: "most_accurate")
    }

    func observe(_ report: AttemptReport, isSuccess: Bool) {
        guard self.measure != .accuracy else { return }
        let amount = LowestUsage.amount(report, self.measure)
        guard amount > 0 else { return }
        let cell = self.cells[report.target]
        let now = report.endedAt
        let isFresh = self.isFresh(report.target, now: now)
        let base = isFresh ? self.lowestKnown(TargetSet(first: self.cells.count), now: now).used * Double(self.weights[report.target]) : 0
        let last = cell.usageAt.exchange(now, ordering: .relaxed)
        let kept = isFresh ? 0 : self.kept(now &- last)
        cell.usage.update { $0 * kept + base + amount }
        cell.usageOfOne.update { $0 == 0 ? amount : $0 + (amount - $0) * 0.1 }
    }

    static func amount(_ report: AttemptReport, _ measure: UsageMeasure) -> Double {
        switch measure {
        case .totalTokens: Double(report.usage.total)
        case .promptTokens: Double(report.usage.input)
        case .completionTokens: Double(report.usage.output)
        case .cost: report.cost
        case .accuracy: 0
        }
    }

    /// A score takes a tenth of the average's place; the first one all of it.
    static func score(_ cell: TargetCells, _ score: Double) {
        let count = cell.scores.wrappingAdd(1, ordering: .relaxed).oldValue
        cell.score.update { old in count == 0 ? score : old + (score - old) * max(0.1, 1 / Double(count + 1)) }
    }

    /// Usage of late for each unit of weight.
    func used(_ target: Int, now: UInt64) -> Double {
        self.table.read(target) { cell in
            let at = cell.usageAt.load(ordering: .relaxed)
            return at == 0 ? 0 : cell.usage.real * self.kept(now > at ? now - at : 0) / Double(self.weights[target])
        }
    }

    private func kept(_ age: UInt64) -> Double { Decay.factor(age: age, halfLife: self.halfLife) }

    /// Whether nothing is known of the target, or nothing that still counts.
    private func isFresh(_ target: Int, now: UInt64) -> Bool {
        let at = self.table.read(target) { $0.usageAt.load(ordering: .relaxed) }
        return at == 0 || (now > at && now - at > 8 * self.halfLife)
    }

    private func lowestKnown(_ targets: TargetSet, now: UInt64) -> (used: Double, typical: Double) {
        var lowest = Double.infinity
        var typical = Double.infinity
        targets.forEach { target in
            guard !self.isFresh(target, now: now) else { return }
            lowest = min(lowest, self.used(target, now: now))
            typical = min(typical, self.table.read(target) { $0.usageOfOne.real })
        }
        return lowest == .infinity ? (0, 0) : (lowest, typical)
    }
}
