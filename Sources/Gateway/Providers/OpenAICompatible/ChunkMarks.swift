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
        while i &+ 9 <= count {
            var marks = ChunkMarks.candidates(p + i)
            while marks != 0 {
                self.look(p, count, at: i &+ marks.trailingZeroBitCount &>> 3)
                marks &= marks &- 1
            }
            i &+= 8
        }
        while i &+ 8 <= count {
            self.look(p, count, at: i)
            i &+= 1
        }
    }

    /// Marks where `"u` or `"f` may begin among the 8 bytes from `p` on; 9 are looked at. In plain words: masks of vectors are compiled to one step a byte here.
    ///
    /// The lowest mark is exact, others may be false, and every one is looked at (https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord).
    @inline(__always)
    private static func candidates(_ p: UnsafeRawPointer) -> UInt64 {
        let word = UInt64(littleEndian: p.loadUnaligned(as: UInt64.self))
        let quotes = ChunkMarks.equal(word, 0x22)
        if quotes == 0 { return 0 }
        let next = UInt64(littleEndian: p.loadUnaligned(fromByteOffset: 1, as: UInt64.self))
        return quotes & (ChunkMarks.equal(next, 0x75) | ChunkMarks.equal(next, 0x66))
    }

    @inline(__always)
    private static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let x = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return (x &- 0x0101_0101_0101_0101) & ~x & 0x8080_8080_8080_8080
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
