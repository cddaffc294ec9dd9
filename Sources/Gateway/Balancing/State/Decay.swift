/// Exponential decay of figures that count less the older they are.
enum Decay {
    /// 2 to the power of minus `age / halfLife`, within a part in 10,000; exactly 1 for no age and exact for whole half-lives.
    ///
    /// An algorithm asks this for every target of every request. The whole half-lives only change the exponent of a floating-point number; the rest of the
    /// exponent, in 0..<1, goes through the Taylor series of 2^-x.
    @inline(__always)
    static func factor(age: UInt64, halfLife: UInt64) -> Double {
        let halves = age / halfLife
        guard halves < 1_000 else { return 0 }
        let x = Double(age % halfLife) / Double(halfLife) * 0.693_147_180_559_945_3
        let fraction = 1 - x * (1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6)))))
        return fraction * Double(bitPattern: (1_023 - halves) << 52)
    }
}
