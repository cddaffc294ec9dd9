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
        equal(bytes, 0x22) .| equal(bytes, 0x5C)
    }

    /// Marks `"` before one of two bytes; `next` are the bytes one further on.
    @inline(__always)
    static func quoteBefore(_ first: UInt8, or second: UInt8, _ bytes: SIMD16<UInt8>, _ next: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        equal(bytes, 0x22) .& (equal(next, first) .| equal(next, second))
    }

    /// Marks a byte. The type of the result is written out: inferred, the comparison may be the generic one, which is compiled to a step a byte.
    @inline(__always)
    private static func equal(_ bytes: SIMD16<UInt8>, _ byte: UInt8) -> SIMDMask<SIMD16<Int8>> { bytes .== SIMD16<UInt8>(repeating: byte) }

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

    /// The mask as two machine words: single bits of it are not to be touched, which would be compiled to a step a byte.
    @inline(__always)
    static func words(_ mask: SIMDMask<SIMD16<Int8>>) -> SIMD2<UInt64> { unsafeBitCast(mask, to: SIMD2<UInt64>.self) }

    /// Calls `body` with the index of each byte that is marked in a word of a mask.
    @inline(__always)
    static func forEachByte(_ word: UInt64, _ body: (Int) -> Void) {
        var rest = word
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            body(bit &>> 3)
            rest &= ~(0xFF &<< UInt64(bit))
        }
    }

    @inline(__always)
    private static func isEmpty(_ mask: SIMDMask<SIMD16<Int8>>) -> Bool {
        let words = self.words(mask)
        return words.x | words.y == 0
    }

    /// Index of the first marked byte, or 16.
    @inline(__always)
    static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let words = self.words(mask)
        if words.x != 0 { return words.x.trailingZeroBitCount &>> 3 }
        return words.y != 0 ? 8 &+ words.y.trailingZeroBitCount &>> 3 : Vector.width
    }
}
