/// Character classes of RFC 9110 and RFC 3986.
enum HTTPGrammar {
    /// For each ASCII byte whether it is a `tchar`. A literal lies in read-only memory: no start-up work, no lock, and one load where a test of bits would mispredict at each dash.
    private static var tokens: StaticString {
        """
        0000000000000000000000000000000001011111001101101111111111000000\
        0111111111111111111111111110001111111111111111111111111111101010
        """
    }

    /// `tchar` (RFC 9110 section 5.6.2): what methods, field names and other tokens consist of.
    @inline(__always)
    static func isTokenByte(_ c: UInt8) -> Bool {
        c < 128 && tokens.utf8Start[Int(c)] == 0x31
    }

    /// Whether the bytes are one or more `tchar`s.
    static func isToken(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty else { return false }
        for c in bytes where !isTokenByte(c) { return false }
        return true
    }

    /// Space or horizontal tab: `OWS` (RFC 9110 section 5.6.3).
    @inline(__always)
    static func isBlank(_ c: UInt8) -> Bool { c == 0x20 || c == 0x09 }

    /// First byte that may not stand in a field value, or nil: control characters other than the tab, and DEL (RFC 9110 section 5.5).
    static func invalidValueByte(in p: UnsafePointer<UInt8>, from start: Int, to end: Int) -> UInt8? {
        var i = start
        while i &+ 16 <= end {
            if Vector.hasControl(p, i) { return firstInvalid(in: p, from: i, to: end) }
            i &+= 16
        }
        // The rest by whole words, the last of them overlapping what was looked at.
        if i < end, end &- start >= 16 { return Vector.hasControl(p, end &- 16) ? firstInvalid(in: p, from: i, to: end) : nil }
        if i &+ 8 <= end {
            if hasControl(Swar.load(p, i)) || hasControl(Swar.load(p, end &- 8)) { return firstInvalid(in: p, from: i, to: end) }
            return nil
        }
        return firstInvalid(in: p, from: i, to: end)
    }

    @inline(__always)
    private static func hasControl(_ word: UInt64) -> Bool { Swar.control(word) | Swar.equal(word, 0x7F) != 0 }

    private static func firstInvalid(in p: UnsafePointer<UInt8>, from start: Int, to end: Int) -> UInt8? {
        var i = start
        while i < end {
            let c = p[i]
            if (c < 0x20 && c != 0x09) || c == 0x7F { return c }
            i &+= 1
        }
        return nil
    }

    /// Whether every byte may stand in a field value.
    static func isFieldValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        return invalidValueByte(in: base.assumingMemoryBound(to: UInt8.self), from: 0, to: bytes.count) == nil
    }

    /// Compares with a literal in lower case, ASCII letters without regard to case.
    @inline(__always)
    static func equalsLowercased(_ p: UnsafePointer<UInt8>, _ count: Int, _ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        let expected = literal.utf8Start
        for i in 0..<count where lowercased(p[i]) != expected[i] { return false }
        return true
    }

    /// Compares two names, ASCII letters without regard to case.
    static func equalsIgnoringCase(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        for i in 0..<left.count where lowercased(left[i]) != lowercased(right[i]) { return false }
        return true
    }

    @inline(__always)
    static func lowercased(_ c: UInt8) -> UInt8 { c &- 0x41 < 26 ? c | 0x20 : c }

    /// Calls `body` with every element of a comma-separated list, blanks trimmed, empty elements left out (RFC 9110 section 5.6.1). Stops when it returns false.
    @inline(__always)
    static func forEachListElement(_ p: UnsafePointer<UInt8>, _ count: Int, _ body: (UnsafePointer<UInt8>, Int) -> Bool) {
        var i = 0
        while i <= count {
            let comma = ByteScan.index(of: 0x2C, in: p, from: i, to: count) ?? count
            var start = i, end = comma
            while start < end, isBlank(p[start]) { start &+= 1 }
            while end > start, isBlank(p[end &- 1]) { end &-= 1 }
            if end > start, !body(p + start, end &- start) { return }
            i = comma &+ 1
        }
    }
}
