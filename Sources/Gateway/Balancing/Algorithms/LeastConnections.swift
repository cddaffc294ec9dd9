import GatewayCore
import Synchronization

/// `least-connections`: the target with the most spare capacity, capacity being its weight. Equal ones take turns.
final class LeastConnections: SelectionAlgorithm {
    private let targets: TargetTable
    private let weights: [Int]

    init(cells: [TargetCells], weights: [Int]) {
        self.targets = TargetTable(cells)
        self.weights = weights
    }

    func select(_ input: SelectionInput) -> Selection {
        let target = Lowest.pick(input.eligible, count: self.targets.count, from: input.ticket) { target in
            Double(self.targets.read(target) { $0.inFlight.load(ordering: .relaxed) } + 1) / Double(self.weights[target])
        }
        return Selection(target: target, reason: "fewest_in_flight")
    }
}

/// `power-of-two-choices`: two targets drawn at random, the less busy one is taken: nearly as even as looking at all, and loops that decide at the same
/// instant on the same figures do not all come to the same target.
final class PowerOfTwoChoices: SelectionAlgorithm {
    private let targets: TargetTable
    private let weights: [Int]

    init(cells: [TargetCells], weights: [Int]) {
        self.targets = TargetTable(cells)
        self.weights = weights
    }

    func select(_ input: SelectionInput) -> Selection {
        let random = Mixer.mix(input.ticket)
        let first = WeightedDraw.pick(input.eligible, self.weights, random)
        var others = input.eligible
        others.remove(first)
        guard !others.isEmpty else { return Selection(target: first, reason: "only_candidate") }
        let second = WeightedDraw.pick(others, self.weights, Mixer.mix(random))
        return Selection(target: self.load(second) < self.load(first) ? second : first, reason: "two_choices")
    }

    private func load(_ target: Int) -> Double { Double(self.targets.read(target) { $0.inFlight.load(ordering: .relaxed) } + 1) / Double(self.weights[target]) }
}

/// The eligible target with the lowest value; of equal ones the first behind a place that differs for every choice.
enum Lowest {
    @inline(__always)
    static func pick(_ eligible: TargetSet, count: Int, from ticket: UInt64, _ value: (Int) -> Double) -> Int {
        let start = Int(ticket % UInt64(count))
        var best = -1
        var bestValue = Double.infinity
        for step in 0..<count {
            let target = start + step < count ? start + step : start + step - count
            guard eligible.contains(target) else { continue }
            let candidate = value(target)
            if candidate < bestValue || best < 0 {
                best = target
                bestValue = candidate
            }
        }
        return max(best, 0)
    }
}
