/// A loop's source of trace, span and request ids: SplitMix64 seeded from the system generator.
///
/// The system generator costs 570 ns a call, this one about 1 ns. Ids must be unique, not secret.
public struct IdentifierGenerator: Sendable {
    private var state: UInt64

    public init() { self.state = UInt64.random(in: 1...UInt64.max) }
    /// A fixed sequence, for tests.
    public init(seed: UInt64) { self.state = seed }

    /// One id from the system generator, for places without a loop.
    static func unique() -> UInt64 { UInt64.random(in: 1...UInt64.max) }

    /// A non-zero 64-bit id (zero is invalid in W3C trace context).
    @inline(__always)
    public mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return z == 0 ? 1 : z
    }
}
