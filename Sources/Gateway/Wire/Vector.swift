/// Sixteen bytes at a time: what every 64-bit machine has registers for.
///
/// The results are masks of whole bytes, looked at as two machine words: the lowest set bit tells the first byte that matches.
@usableFromInline
enum Vector {
    @usableFromInline static let width = 16

    @inline(__always)
    static func load(_ p: UnsafePointer<UInt8>, _ offset: Int) -> SIMD16<UInt8> {
        UnsafeRawPointer(p).loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
    }

    /// Marks `"` and `\`.
    @inline(__always)
    static func quoteOrBackslash(_ bytes: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        (bytes .== SIMD16(repeating: 0x22)) .| (bytes .== SIMD16(repeating: 0x5C))
    }

    /// Marks control characters and bytes beyond ASCII: as signed numbers, both are below the space.
    @inline(__always)
    static func controlOrHigh(_ bytes: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        unsafeBitCast(bytes, to: SIMD16<Int8>.self) .< SIMD16<Int8>(repeating: 0x20)
    }

    /// Index of the first marked byte, or 16.
    @inline(__always)
    static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if words.x != 0 { return words.x.trailingZeroBitCount &>> 3 }
        return words.y != 0 ? 8 &+ words.y.trailingZeroBitCount &>> 3 : Vector.width
    }
}
