import GatewayCore
import Synchronization

/// `round-robin`: a smooth weighted rotation. A turn that falls to a target out of service is drawn among the others by weight, so that no single one of
/// them inherits all of it.
final class RoundRobin: SelectionAlgorithm {
    private let wheel: SmoothWheel
    private let weights: [Int]
    private let position = Atomic<UInt64>(0)

    /// - Parameter members: the targets that take turns; nil: all.
    init(weights: [Int], members: TargetSet? = nil, slots: Int) {
        var targets: [(index: Int, weight: Int)] = []
        for (index, weight) in weights.enumerated() where members?.contains(index) ?? true { targets.append((index, weight)) }
        self.wheel = SmoothWheel(targets, slots: slots)
        self.weights = weights
    }

    func select(_ input: SelectionInput) -> Selection {
        let turn = self.position.wrappingAdd(1, ordering: .relaxed).oldValue
        let target = Int(self.wheel.order[Int(turn % UInt64(self.wheel.order.count))])
        if input.eligible.contains(target) { return Selection(target: target, reason: "rotation") }
        return Selection(target: WeightedDraw.pick(input.eligible, self.weights, Mixer.mix(input.ticket)), reason: "redistributed")
    }
}
