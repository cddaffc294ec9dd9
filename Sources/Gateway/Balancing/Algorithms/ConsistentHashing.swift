import GatewayCore

/// `consistent-hashing`: keys fall into `slots` buckets, each bucket belongs to the target that wins a weighted rendezvous for it.
///
/// Adding one of n targets moves only the buckets it wins, taking one away only those it had, and what a
/// ketama ring approximates by points is exact here. On the path it is one look-up.
final class ConsistentHashing: SelectionAlgorithm {
    private let buckets: [UInt16]
    private let seeds: [UInt64]
    private let weights: [Int]

    /// - Parameter keys: what makes each target the same one after a reload.
    init(keys: [String], weights: [Int], slots: Int) {
        let seeds = keys.map { BalancingHash.of($0.utf8) }
        self.seeds = seeds
        self.weights = weights
        self.buckets = (0..<slots).map { UInt16(ConsistentHashing.winner(of: $0, TargetSet(first: keys.count), seeds, weights)) }
    }

    func select(_ input: SelectionInput) -> Selection {
        let bucket = Mixer.below(self.buckets.count, input.hash)
        let owner = Int(self.buckets[bucket])
        if input.eligible.contains(owner) { return Selection(target: owner, reason: "hash") }
        // The second of the rendezvous, so that a key keeps its fallback too.
        return Selection(target: ConsistentHashing.winner(of: bucket, input.eligible, self.seeds, self.weights), reason: "hash_fallback")
    }

    private static func winner(of bucket: Int, _ targets: TargetSet, _ seeds: [UInt64], _ weights: [Int]) -> Int {
        var best = targets.first ?? 0
        var bestScore = -1.0
        targets.forEach { target in
            let score = Rendezvous.score(seed: seeds[target], key: Mixer.mix(UInt64(bucket)), weight: weights[target])
            if score > bestScore {
                best = target
                bestScore = score
            }
        }
        return best
    }
}
