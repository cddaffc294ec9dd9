import GatewayWire

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
        var marks = (usage: -1, finishReason: -1)
        data.forEachQuote(before: 0x75, or: 0x66) { ChunkMarks.look(p, count, at: $0, &marks) }
        (self.usage, self.finishReason) = marks
    }

    /// `"usage":` and the halves of `"finish_reason":`, as a little-endian machine loads them.
    private static var usagePrefix: UInt64 { UInt64(littleEndian: 0x3A22_6567_6173_7522) }
    private static var finishPrefix: UInt64 { UInt64(littleEndian: 0x5F68_7369_6E69_6622) }
    private static var reasonPrefix: UInt64 { UInt64(littleEndian: 0x3A22_6E6F_7361_6572) }

    /// Whether one of the members begins here.
    @inline(__always)
    private static func look(_ p: UnsafeRawPointer, _ count: Int, at i: Int, _ marks: inout (usage: Int, finishReason: Int)) {
        guard i &+ 8 <= count else { return }
        let word = p.loadUnaligned(fromByteOffset: i, as: UInt64.self)
        if word == ChunkMarks.usagePrefix {
            marks.usage = i
        } else if word == ChunkMarks.finishPrefix, i &+ 17 <= count, p.loadUnaligned(fromByteOffset: i &+ 8, as: UInt64.self) == ChunkMarks.reasonPrefix,
            ChunkMarks.isText(p, count, at: i &+ 16) {
            marks.finishReason = i
        }
    }

    /// Whether a text begins here, after spaces: not every server writes its JSON without them.
    private static func isText(_ p: UnsafeRawPointer, _ count: Int, at position: Int) -> Bool {
        var i = position
        while i < count, p.load(fromByteOffset: i, as: UInt8.self) == 0x20 { i += 1 }
        return i < count && p.load(fromByteOffset: i, as: UInt8.self) == UInt8(ascii: "\"")
    }
}
