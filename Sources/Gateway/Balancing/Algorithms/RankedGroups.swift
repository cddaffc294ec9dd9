import GatewayCore

/// `semantic`: the matches of a prompt, best first; targets with the same description take turns by weight. What no description matches is drawn by weight.
final class RankedGroups: SelectionAlgorithm {
    private let rotation: RoundRobin
    private let weights: [Int]

    init(weights: [Int], slots: Int) {
        self.weights = weights
        self.rotation = RoundRobin(weights: weights, slots: slots)
    }

    func select(_ input: SelectionInput) -> Selection {
        for (index, group) in input.ranking.enumerated() {
            let eligible = input.eligible.intersection(group)
            guard let first = eligible.first else { continue }
            let target = eligible.count == 1 ? first : WeightedDraw.pick(eligible, self.weights, Mixer.mix(input.ticket))
            return Selection(target: target, reason: index == 0 ? input.rankingReason : "next_match")
        }
        return Selection(target: self.rotation.select(input).target, reason: "no_match")
    }
}
