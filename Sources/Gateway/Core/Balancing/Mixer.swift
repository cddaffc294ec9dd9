/// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014): one multiplication chain a number, no state but a counter.
package enum Mixer {
    @inline(__always)
    package static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 ..< bound, by the high half of the product (Lemire, "Fast Random Integer Generation in an Interval", 2019; the bias is below 2^-32 here).
    @inline(__always)
    package static func below(_ bound: Int, _ random: UInt64) -> Int { Int(random.multipliedFullWidth(by: UInt64(bound)).high) }

    /// (0, 1), never either end.
    @inline(__always)
    package static func unit(_ random: UInt64) -> Double { (Double(random >> 11) + 0.5) * 0x1p-53 }
}
