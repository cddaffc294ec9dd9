/// Where a streamed chunk says how it ends and what it cost: found by its bytes, since most chunks say neither and need no parsing.
///
/// A quote inside a JSON string is escaped, so `"usage":` and `"finish_reason":` can only be members, never content.
struct ChunkMarks {
    private static let finishReasonPrefix: StaticString = "\"finish_reason\":"
    private static let usagePrefix: StaticString = "\"usage\":"

    /// Offset of `"usage":`, or -1.
    private(set) var usage = -1
    /// Offset of the last `"finish_reason":` before a text (most chunks say null), or -1.
    private(set) var finishReason = -1

    init(_ data: UnsafeRawBufferPointer) {
        let quote = SIMD32<UInt8>(repeating: UInt8(ascii: "\""))
        let u = SIMD32<UInt8>(repeating: UInt8(ascii: "u"))
        let f = SIMD32<UInt8>(repeating: UInt8(ascii: "f"))
        var i = 0
        while i &+ 33 <= data.count {
            let bytes = data.loadUnaligned(fromByteOffset: i, as: SIMD32<UInt8>.self)
            let next = data.loadUnaligned(fromByteOffset: i &+ 1, as: SIMD32<UInt8>.self)
            if any((bytes .== quote) .& ((next .== u) .| (next .== f))) { self.look(data, from: i, to: i &+ 32) }
            i &+= 32
        }
        self.look(data, from: i, to: data.count)
    }

    private mutating func look(_ data: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        for i in start..<end where data[i] == UInt8(ascii: "\"") {
            if ChunkMarks.holds(data, ChunkMarks.usagePrefix, at: i) {
                self.usage = i
            } else if ChunkMarks.holds(data, ChunkMarks.finishReasonPrefix, at: i), ChunkMarks.isText(data, at: i + ChunkMarks.finishReasonPrefix.utf8CodeUnitCount) {
                self.finishReason = i
            }
        }
    }

    /// Whether a text begins here, after spaces: not every server writes its JSON without them.
    private static func isText(_ data: UnsafeRawBufferPointer, at position: Int) -> Bool {
        var i = position
        while i < data.count, data[i] == 0x20 { i += 1 }
        return i < data.count && data[i] == UInt8(ascii: "\"")
    }

    private static func holds(_ data: UnsafeRawBufferPointer, _ text: StaticString, at position: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard position &+ count <= data.count else { return false }
        for k in 0..<count where data[position &+ k] != text.utf8Start[k] { return false }
        return true
    }
}
