#if canImport(Glibc)
    import Glibc
#endif

/// JSON text (RFC 8259), written directly: no tree, no strings.
extension ByteWriter {
    /// A comma, unless an object or array has just begun.
    @inline(__always)
    mutating func separate() {
        let last = self.base[self.count &- 1]
        if last != 0x7b && last != 0x5b { self.put(0x2c) }
    }

    /// `,"name":` (or without the comma, see ``separate()``).
    @inline(__always)
    mutating func member(_ name: StaticString) {
        self.separate()
        self.reserve(name.utf8CodeUnitCount &+ 3)
        self.putUnchecked(0x22)
        self.putUnchecked(name)
        self.putUnchecked(0x22)
        self.putUnchecked(0x3a)
    }

    /// A quoted string. Bytes that are no UTF-8 become U+FFFD.
    @inline(__always)
    mutating func putJSON(_ bytes: UnsafeRawBufferPointer) {
        self.reserve(bytes.count &+ 2)
        self.putUnchecked(0x22)
        if ByteWriter.plainPrefix(bytes, from: 0) == bytes.count {
            self.putUnchecked(bytes)
            self.putUnchecked(0x22)
        } else {
            self.putEscaped(bytes)
            self.put(0x22)
        }
    }

    @inline(__always)
    mutating func putJSON(constant: StaticString) {
        self.reserve(constant.utf8CodeUnitCount &+ 2)
        self.putUnchecked(0x22)
        self.putUnchecked(constant)
        self.putUnchecked(0x22)
    }

    mutating func putJSON(_ text: String) {
        var text = text
        text.withUTF8 { self.putJSON(UnsafeRawBufferPointer($0)) }
    }

    /// A number, or null for what JSON has no number for.
    mutating func putJSON(_ value: Double) {
        guard value.isFinite else { return self.put("null" as StaticString) }
        if value == value.rounded(), abs(value) < 1e15 { return self.putDecimal(Int64(value)) }
        self.put(value.description)
    }

    @inline(__always)
    mutating func putJSON(_ value: Bool) { if value { self.put("true" as StaticString) } else { self.put("false" as StaticString) } }

    /// Nanoseconds as microseconds with three decimals.
    @inline(__always)
    mutating func putMicroseconds(_ nanoseconds: UInt64) {
        self.putDecimal(nanoseconds / 1000)
        let rest = nanoseconds % 1000
        if rest == 0 { return }
        self.reserve(4)
        self.putUnchecked(0x2e)
        self.putUnchecked(0x30 &+ UInt8(truncatingIfNeeded: rest / 100))
        self.putUnchecked(0x30 &+ UInt8(truncatingIfNeeded: rest / 10 % 10))
        self.putUnchecked(0x30 &+ UInt8(truncatingIfNeeded: rest % 10))
    }

    /// Index of the first byte at or after `start` that needs a look: a control, a quote, a backslash, or part of a longer sequence.
    @inline(__always)
    private static func plainPrefix(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var i = start
        while i &+ 8 <= bytes.count {
            let x = bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            let quote = x ^ (ones &* 0x22)
            let backslash = x ^ (ones &* 0x5c)
            // Per byte: high bit set, or below 0x20, or zero after the exclusive or (Hacker's Delight, 6-1).
            let found = x | ((x &- ones &* 0x20) & ~x) | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
            if found & highs != 0 { break }
            i &+= 8
        }
        while i < bytes.count {
            let byte = bytes[i]
            if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x80 { return i }
            i &+= 1
        }
        return i
    }

    @inline(never)
    private mutating func putEscaped(_ bytes: UnsafeRawBufferPointer) {
        var i = 0
        while i < bytes.count {
            let end = ByteWriter.plainPrefix(bytes, from: i)
            if end > i { self.put(UnsafeRawBufferPointer(rebasing: bytes[i..<end])) }
            if end == bytes.count { return }
            let byte = bytes[end]
            i = end + 1
            switch byte {
            case 0x22: self.put("\\\"" as StaticString)
            case 0x5c: self.put("\\\\" as StaticString)
            case 0x08: self.put("\\b" as StaticString)
            case 0x09: self.put("\\t" as StaticString)
            case 0x0a: self.put("\\n" as StaticString)
            case 0x0c: self.put("\\f" as StaticString)
            case 0x0d: self.put("\\r" as StaticString)
            case 0x00..<0x20:
                self.put("\\u00" as StaticString)
                self.put(hexDigit(byte >> 4))
                self.put(hexDigit(byte & 15))
            default:
                let length = TextCheck.sequenceLength(bytes, at: end)
                if length == 0 {
                    self.put("\u{FFFD}" as StaticString)
                } else {
                    self.put(UnsafeRawBufferPointer(rebasing: bytes[end..<(end + length)]))
                    i = end + length
                }
            }
        }
    }
}
