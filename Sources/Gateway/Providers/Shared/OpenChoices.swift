/// Which choices of a stream have begun and not said why they ended: without an end marker, that tells whether the stream was complete.
struct OpenChoices {
    /// A bit each; beyond so many, choices share one.
    private var open: UInt64 = 0
    private var hasEnds = false

    @inline(__always)
    mutating func begin(_ choice: Int) { self.open |= 1 &<< UInt64(truncatingIfNeeded: choice) }

    @inline(__always)
    mutating func end(_ choice: Int) {
        self.open &= ~(1 &<< UInt64(truncatingIfNeeded: choice))
        self.hasEnds = true
    }

    /// Whether all have ended, and there were some.
    var haveEnded: Bool { self.hasEnds && self.open == 0 }
}
