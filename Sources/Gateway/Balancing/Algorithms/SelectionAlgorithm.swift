import GatewayCore

/// What an algorithm chooses by.
struct SelectionInput {
    /// Targets that can be chosen; never empty.
    var eligible: TargetSet
    var hash: UInt64
    var ranking: [TargetSet]
    var rankingReason: StaticString
    /// ``MonotonicClock`` nanoseconds, or those of a simulation.
    var now: UInt64
    /// A number that differs for every choice: what is random comes from it.
    var ticket: UInt64
}

/// One choice and why it was made.
struct Selection: Equatable {
    let target: Int
    let reason: StaticString

    static func == (a: Selection, b: Selection) -> Bool { a.target == b.target && a.reason.description == b.reason.description }
}

/// Chooses among the targets that are eligible. Takes no time, waits for nothing, is used by all loops at once.
protocol SelectionAlgorithm: Sendable {
    func select(_ input: SelectionInput) -> Selection
    /// Learns from an attempt that was answered well or not.
    func observe(_ report: AttemptReport, isSuccess: Bool)
}

extension SelectionAlgorithm {
    func observe(_ report: AttemptReport, isSuccess: Bool) {}
}

/// Draws one of the eligible targets, each as often as its weight says.
enum WeightedDraw {
    static func pick(_ eligible: TargetSet, _ weights: [Int], _ random: UInt64) -> Int {
        var total = 0
        eligible.forEach { total += weights[$0] }
        guard total > 0 else { return eligible.first ?? 0 }
        var rest = Mixer.below(total, random)
        var chosen = -1
        eligible.forEach { target in
            guard chosen < 0 else { return }
            rest -= weights[target]
            if rest < 0 { chosen = target }
        }
        return chosen
    }
}
