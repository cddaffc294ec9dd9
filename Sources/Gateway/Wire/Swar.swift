/// Eight bytes at a time in one machine word ("SIMD within a register").
///
/// The tests follow https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord: bit 7 of a byte of the result is set where the byte matches. Bytes above the lowest match may
/// be reported falsely, so only the lowest set bit may be used as a position; whether any matches is exact.
@usableFromInline
enum Swar {
    @usableFromInline static var ones: UInt64 { 0x0101_0101_0101_0101 }
    @usableFromInline static var highs: UInt64 { 0x8080_8080_8080_8080 }
    @usableFromInline static var spaces: UInt64 { 0x2020_2020_2020_2020 }

    /// Marks bytes equal to `byte`.
    @inline(__always) @usableFromInline
    static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let x = word ^ (ones &* UInt64(byte))
        return (x &- ones) & ~x & highs
    }

    /// Marks bytes below 0x20.
    @inline(__always) @usableFromInline
    static func control(_ word: UInt64) -> UInt64 {
        (word &- spaces) & ~word & highs
    }

    /// Reads eight bytes in little-endian order, so that the lowest set bit is the first byte in memory.
    @inline(__always) @usableFromInline
    static func load(_ p: UnsafePointer<UInt8>, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
