import Synchronization

/// What is known of one target, written by all loops. Every access is one atomic operation or a short exchange loop; nothing waits.
///
/// Values that belong together are written one after the other: a reader may see one a moment before the other, which costs at most one choice that
/// was right an instant ago.
final class TargetCells: Sendable {
    /// Attempts under way.
    let inFlight = Atomic<Int>(0)

    // Latency (seconds) and when it was last observed (nanoseconds; 0: never).
    let latency = Atomic<UInt64>(0)
    let latencyAt = Atomic<UInt64>(0)
    /// When an attempt was last sent only to learn the latency.
    let exploredAt = Atomic<UInt64>(0)

    // Decayed usage, when it was last brought up to date, and what one request takes on average.
    let usage = Atomic<UInt64>(0)
    let usageAt = Atomic<UInt64>(0)
    let usageOfOne = Atomic<UInt64>(0)

    // A judge's score, 1...100, and how many there were.
    let score = Atomic<UInt64>(0)
    let scores = Atomic<UInt64>(0)

    // Circuit.
    let failures = Atomic<Int>(0)
    let lastFailureAt = Atomic<UInt64>(0)
    /// When the attempt was sent that decides whether the circuit closes; 0: none is under way.
    let trialAt = Atomic<UInt64>(0)
    /// Until when the target asked to be left alone (`Retry-After`).
    let coolUntil = Atomic<UInt64>(0)

    /// Whether the last active health check found no life.
    let isDown = Atomic<Bool>(false)

    init() {}
}

extension Atomic where Value == UInt64 {
    /// The cell as a real number.
    @inline(__always)
    var real: Double { Double(bitPattern: self.load(ordering: .relaxed)) }

    @inline(__always)
    func set(_ value: Double) { self.store(value.bitPattern, ordering: .relaxed) }

    /// Replaces the number by what `body` makes of it.
    @discardableResult
    func update(_ body: (Double) -> Double) -> Double {
        var old = self.load(ordering: .relaxed)
        while true {
            let new = body(Double(bitPattern: old))
            let (exchanged, original) = self.weakCompareExchange(expected: old, desired: new.bitPattern, ordering: .relaxed)
            if exchanged { return new }
            old = original
        }
    }

    /// Moves the cell from a value read before; whether nobody else did meanwhile.
    @inline(__always)
    func claim(from old: UInt64, to new: UInt64) -> Bool { self.compareExchange(expected: old, desired: new, ordering: .relaxed).exchanged }
}
