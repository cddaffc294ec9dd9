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

    /// Marks control characters, DEL not among them.
    @inline(__always)
    static func control(_ bytes: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> { bytes .< SIMD16(repeating: 0x20) }

    /// Marks control characters and bytes beyond ASCII: as signed numbers, both are below the space.
    @inline(__always)
    static func controlOrHigh(_ bytes: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        unsafeBitCast(bytes, to: SIMD16<Int8>.self) .< SIMD16<Int8>(repeating: 0x20)
    }

    /// Whether none of the 64 bytes from `offset` on ends or interrupts a plain run of a JSON string.
    @inline(__always)
    static func isPlain(_ p: UnsafePointer<UInt8>, _ offset: Int) -> Bool {
        let (a, b, c, d) = (load(p, offset), load(p, offset &+ 16), load(p, offset &+ 32), load(p, offset &+ 48))
        let marks = (quoteOrBackslash(a) .| controlOrHigh(a)) .| (quoteOrBackslash(b) .| controlOrHigh(b)) .| (quoteOrBackslash(c) .| controlOrHigh(c))
            .| (quoteOrBackslash(d) .| controlOrHigh(d))
        return isEmpty(marks)
    }

    /// Whether one of the 64 bytes from `offset` on is `"` or `\`.
    @inline(__always)
    static func hasQuoteOrBackslash(_ p: UnsafePointer<UInt8>, _ offset: Int) -> Bool {
        let marks = quoteOrBackslash(load(p, offset)) .| quoteOrBackslash(load(p, offset &+ 16)) .| quoteOrBackslash(load(p, offset &+ 32))
            .| quoteOrBackslash(load(p, offset &+ 48))
        return !isEmpty(marks)
    }

    /// Whether one of the 16 bytes from `offset` on is an ASCII control character.
    @inline(__always)
    static func hasControl(_ p: UnsafePointer<UInt8>, _ offset: Int) -> Bool {
        let bytes = load(p, offset)
        return !isEmpty((bytes .< SIMD16(repeating: 0x20)) .| (bytes .== SIMD16(repeating: 0x7F)))
    }

    @inline(__always)
    private static func isEmpty(_ mask: SIMDMask<SIMD16<Int8>>) -> Bool {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        return words.x | words.y == 0
    }

    /// Index of the first marked byte, or 16.
    @inline(__always)
    static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if words.x != 0 { return words.x.trailingZeroBitCount &>> 3 }
        return words.y != 0 ? 8 &+ words.y.trailingZeroBitCount &>> 3 : Vector.width
    }
}
