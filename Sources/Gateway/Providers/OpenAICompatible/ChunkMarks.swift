/// Where a streamed chunk says how it ends and what it cost: found by its bytes, since most chunks say neither and need no parsing.
///
/// A quote inside a JSON string is escaped, so `"usage":` and `"finish_reason":` can only be members, never content.
struct ChunkMarks {
    /// Offset of `"usage":`, or -1.
    private(set) var usage = -1
    /// Offset of the last `"finish_reason":` before a text (most chunks say null), or -1.
    private(set) var finishReason = -1

    init(_ data: UnsafeRawBufferPointer) {
        guard let p = data.baseAddress else { return }
        let count = data.count
        var i = 0
        while i &+ 33 <= count {
            let low = ChunkMarks.quotes(p + i), high = ChunkMarks.quotes(p + i + 16)
            if low.x | low.y | high.x | high.y != 0 {
                self.look(p, count, low, at: i)
                self.look(p, count, high, at: i &+ 16)
            }
            i &+= 32
        }
        while i &+ 8 <= count {
            self.look(p, count, at: i)
            i &+= 1
        }
    }

    /// Marks with whole bytes where `"u` or `"f` begin among the 16 bytes from `p` on; 17 are looked at.
    @inline(__always)
    private static func quotes(_ p: UnsafeRawPointer) -> SIMD2<UInt64> {
        let bytes = p.loadUnaligned(as: SIMD16<UInt8>.self)
        let next = (p + 1).loadUnaligned(as: SIMD16<UInt8>.self)
        let marks = (bytes .== SIMD16(repeating: 0x22)) .& ((next .== SIMD16(repeating: 0x75)) .| (next .== SIMD16(repeating: 0x66)))
        return unsafeBitCast(marks, to: SIMD2<UInt64>.self)
    }

    @inline(__always)
    private mutating func look(_ p: UnsafeRawPointer, _ count: Int, _ marks: SIMD2<UInt64>, at start: Int) {
        self.look(p, count, marks.x, at: start)
        self.look(p, count, marks.y, at: start &+ 8)
    }

    @inline(__always)
    private mutating func look(_ p: UnsafeRawPointer, _ count: Int, _ marks: UInt64, at start: Int) {
        var marks = marks
        while marks != 0 {
            let byte = marks.trailingZeroBitCount &>> 3
            self.look(p, count, at: start &+ byte)
            marks &= ~(0xFF &<< (UInt64(truncatingIfNeeded: byte) &* 8))
        }
    }

    /// `"usage":` and the halves of `"finish_reason":`, as a little-endian machine loads them.
    private static var usagePrefix: UInt64 { UInt64(littleEndian: 0x3A22_6567_6173_7522) }
    private static var finishPrefix: UInt64 { UInt64(littleEndian: 0x5F68_7369_6E69_6622) }
    private static var reasonPrefix: UInt64 { UInt64(littleEndian: 0x3A22_6E6F_7361_6572) }

    /// Whether one of the members begins here.
    @inline(__always)
    private mutating func look(_ p: UnsafeRawPointer, _ count: Int, at i: Int) {
        guard i &+ 8 <= count else { return }
        let word = p.loadUnaligned(fromByteOffset: i, as: UInt64.self)
        if word == ChunkMarks.usagePrefix {
            self.usage = i
        } else if word == ChunkMarks.finishPrefix, i &+ 17 <= count, p.loadUnaligned(fromByteOffset: i &+ 8, as: UInt64.self) == ChunkMarks.reasonPrefix,
            ChunkMarks.isText(p, count, at: i &+ 16) {
            self.finishReason = i
        }
    }

    /// Whether a text begins here, after spaces: not every server writes its JSON without them.
    private static func isText(_ p: UnsafeRawPointer, _ count: Int, at position: Int) -> Bool {
        var i = position
        while i < count, p.load(fromByteOffset: i, as: UInt8.self) == 0x20 { i += 1 }
        return i < count && p.load(fromByteOffset: i, as: UInt8.self) == UInt8(ascii: "\"")
    }
}
