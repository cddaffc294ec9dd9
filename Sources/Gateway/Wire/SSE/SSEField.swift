/// One line of an event, as far as its field has a meaning.
struct SSEField {
    enum Kind { case data, event, id, retry }

    var kind: Kind
    /// First byte of the value, behind the colon and one space.
    var valueStart: Int

    /// Recognises the field of a line without its end; nil for comments and unknown fields.
    @inline(__always)
    static func parse(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> SSEField? {
        let count = end &- start
        guard count >= 2 else { return nil }
        if count >= 4, UnsafeRawPointer(p).loadUnaligned(fromByteOffset: start, as: UInt32.self) == UInt32(littleEndian: 0x6174_6164) {
            return field(.data, p, start &+ 4, end)
        }
        switch p[start] {
        case 0x65 where count >= 5 && matches(p, start, "event"): return field(.event, p, start &+ 5, end)
        case 0x69 where p[start &+ 1] == 0x64: return field(.id, p, start &+ 2, end)
        case 0x72 where count >= 5 && matches(p, start, "retry"): return field(.retry, p, start &+ 5, end)
        default: return nil
        }
    }

    /// The name has to be followed by a colon or by the end of the line.
    @inline(__always)
    private static func field(_ kind: Kind, _ p: UnsafePointer<UInt8>, _ nameEnd: Int, _ end: Int) -> SSEField? {
        if nameEnd == end { return SSEField(kind: kind, valueStart: end) }
        guard p[nameEnd] == 0x3A else { return nil }
        let value = nameEnd &+ 1
        return SSEField(kind: kind, valueStart: value < end && p[value] == 0x20 ? value &+ 1 : value)
    }

    private static func matches(_ p: UnsafePointer<UInt8>, _ start: Int, _ name: StaticString) -> Bool {
        for i in 0..<name.utf8CodeUnitCount where p[start + i] != name.utf8Start[i] { return false }
        return true
    }
}
