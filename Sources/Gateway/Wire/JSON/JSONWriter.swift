public import NIOCore

/// Writes JSON into a buffer, front to back; commas come by themselves.
///
/// What a caller opens it closes, and in an object it writes a key before each value: this is not checked, so that nothing is kept per level.
public struct JSONWriter: Sendable {
    /// What has been written.
    public var buffer: ByteBuffer
    /// A value stands before the next one on the same level.
    private var needsComma = false

    /// A writer into a new buffer.
    public init(capacity: Int = 256) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// A writer that appends to a buffer.
    public init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    /// Opens an object.
    public mutating func beginObject() { open(0x7B) }
    /// Closes the innermost object.
    public mutating func endObject() { close(0x7D) }
    /// Opens an array.
    public mutating func beginArray() { open(0x5B) }
    /// Closes the innermost array.
    public mutating func endArray() { close(0x5D) }

    // MARK: Keys and values

    /// Writes a key; its value has to follow. The name holds nothing that JSON wants escaped.
    public mutating func key(_ name: StaticString) {
        let needsComma = self.needsComma
        self.needsComma = false
        name.withBytes { name in
            Self.write(name.count &+ 4, into: &buffer) { space in
                var count = Self.comma(needsComma, space)
                space[count] = 0x22
                (space + (count &+ 1)).copyBytes(name)
                count &+= name.count &+ 3
                space[count &- 2] = 0x22
                space[count &- 1] = 0x3A
                return count
            }
        }
    }

    /// Writes a key; its value has to follow.
    public mutating func key(_ name: String) {
        string(name)
        append(0x3A)
        needsComma = false
    }

    /// Writes a string.
    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { self.string(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a string.
    public mutating func string(_ value: StaticString) { value.withBytes { self.string($0) } }

    /// Writes bytes as a string; what is not UTF-8 becomes U+FFFD.
    public mutating func string(_ value: ByteBuffer) { value.withUnsafeReadableBytes { self.string(repairing: $0) } }

    /// Writes bytes as a string; what is not UTF-8 becomes U+FFFD.
    public mutating func string(_ value: ByteBufferView) { value.withUnsafeBytes { self.string(repairing: $0) } }

    private mutating func string(repairing bytes: UnsafeRawBufferPointer) {
        if bytes.isASCII { self.string(bytes) } else { self.string(String(decoding: bytes, as: UTF8.self)) }
    }

    /// Valid UTF-8.
    private mutating func string(_ text: UnsafeRawBufferPointer) {
        let needsComma = self.needsComma
        self.needsComma = true
        var next = 0
        // All in one write where little is escaped; the last byte of the room is the closing quote's.
        Self.write(text.count &+ Self.reserve &+ 3, into: &buffer) { space in
            var count = Self.comma(needsComma, space)
            space[count] = 0x22
            count &+= 1
            var written = 0
            (next, written) = Self.escape(text, from: 0, into: space + count, room: text.count &+ Self.reserve)
            count &+= written
            if next == text.count {
                space[count] = 0x22
                count &+= 1
            }
            return count
        }
        guard next < text.count else { return }
        Self.escapeContent(UnsafeRawBufferPointer(rebasing: text[next...]), into: &buffer)
        append(0x22)
    }

    /// Writes a number.
    public mutating func number(_ value: Int) {
        let needsComma = self.needsComma
        self.needsComma = true
        Self.write(HTTPWriter.maximumDecimalDigits &+ 1, into: &buffer) { space in
            let count = Self.comma(needsComma, space)
            return count &+ HTTPWriter.decimal(value, into: UnsafeMutableRawBufferPointer(start: space + count, count: HTTPWriter.maximumDecimalDigits))
        }
    }

    /// Writes the shortest spelling that reads back the same; null for a number that is not finite, since JSON has no spelling for it.
    public mutating func number(_ value: Double) {
        separate()
        buffer.writeString(value.isFinite ? value.description : "null")
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { word(value ? "true" : "false") }

    /// Writes `null`.
    public mutating func null() { word("null") }

    private mutating func word(_ word: StaticString) {
        let needsComma = self.needsComma
        self.needsComma = true
        word.withBytes { word in
            Self.write(word.count &+ 1, into: &buffer) { space in
                let count = Self.comma(needsComma, space)
                (space + count).copyBytes(word)
                return count &+ word.count
            }
        }
    }

    /// Writes one value that already is JSON.
    public mutating func raw(_ value: ByteBuffer) { value.withUnsafeReadableBytes { self.raw($0) } }

    /// Writes a value that lies in another text as it is written there.
    public mutating func raw(_ value: JSONView) {
        value.withPointer { self.raw(UnsafeRawBufferPointer(start: $0 + value.span.start, count: value.span.count)) }
    }

    private mutating func raw(_ value: UnsafeRawBufferPointer) {
        let needsComma = self.needsComma
        self.needsComma = true
        Self.write(value.count &+ 1, into: &buffer) { space in
            let count = Self.comma(needsComma, space)
            (space + count).copyBytes(value)
            return count &+ value.count
        }
    }

    // MARK: Separators

    mutating func separate() {
        if needsComma { append(0x2C) }
        needsComma = true
    }

    /// The comma where one is due, and a byte behind it.
    mutating func separate(and byte: UInt8) {
        let needsComma = self.needsComma
        self.needsComma = true
        Self.write(2, into: &buffer) { space in
            let count = Self.comma(needsComma, space)
            space[count] = byte
            return count &+ 1
        }
    }

    private mutating func open(_ bracket: UInt8) {
        separate(and: bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        append(bracket)
        needsComma = true
    }

    /// One byte: ByteBuffer's way to write an integer is three times as long.
    mutating func append(_ byte: UInt8) {
        Self.write(1, into: &buffer) { space in
            space[0] = byte
            return 1
        }
    }

    @inline(__always)
    private static func comma(_ isDue: Bool, _ space: UnsafeMutablePointer<UInt8>) -> Int {
        guard isDue else { return 0 }
        space[0] = 0x2C
        return 1
    }
}

/// Strings, and how bytes get into the buffer: once for a whole token, since each time costs more than the bytes do.
extension JSONWriter {
    /// Calls `body` with room for `count` bytes; it returns how many it wrote.
    @inline(__always)
    private static func write(_ count: Int, into output: inout ByteBuffer, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { body($0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)) }
    }

    /// Writes a quoted string: quotes, backslashes and control characters are escaped (RFC 8259 section 7), runs between them are copied.
    static func escape(_ text: String, into output: inout ByteBuffer) {
        var text = text
        output.writeInteger(UInt8(0x22))
        text.withUTF8 { escapeContent(UnsafeRawBufferPointer($0), into: &output) }
        output.writeInteger(UInt8(0x22))
    }

    /// The content of a string of valid UTF-8, without the quotes.
    static func escapeContent(_ text: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        var next = 0
        while next < text.count {
            // One round where little is escaped: a byte takes up to six.
            let room = text.count &- next &+ self.reserve
            self.write(room, into: &output) { space in
                var written = 0
                (next, written) = self.escape(text, from: next, into: space, room: room)
                return written
            }
        }
    }

    /// Room without which a step of ``escape(_:from:into:room:)`` is not begun.
    private static let reserve = 2 * Vector.width

    /// Escapes as far as there is room. Returns how far it got and how much it wrote.
    private static func escape(_ text: UnsafeRawBufferPointer, from start: Int, into output: UnsafeMutablePointer<UInt8>, room: Int) -> (next: Int, written: Int) {
        guard let p = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return (start, 0) }
        let end = text.count
        let limit = room &- self.reserve
        var i = start, written = 0
        while i < end, written <= limit {
            if i &+ 8 <= end, end &- i < Vector.width {
                // Names and short values, and what remains of longer ones.
                let word = Swar.load(p, i)
                if Swar.control(word) | Swar.equal(word, 0x22) | Swar.equal(word, 0x5C) == 0 {
                    UnsafeMutableRawPointer(output + written).storeBytes(of: word.littleEndian, as: UInt64.self)
                    i &+= 8
                    written &+= 8
                    continue
                }
            }
            if i &+ Vector.width <= end {
                // The whole vector is copied; what does not belong to the run is written over.
                let bytes = Vector.load(p, i)
                UnsafeMutableRawPointer(output + written).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
                let run = Vector.first(Vector.quoteOrBackslash(bytes) .| Vector.control(bytes))
                i &+= run
                written &+= run
                if run == Vector.width { continue }
            }
            written &+= self.escape(p[i], output + written)
            i &+= 1
        }
        return (i, written)
    }

    /// Writes one byte, escaped where that is due: up to six.
    @inline(__always)
    private static func escape(_ byte: UInt8, _ output: UnsafeMutablePointer<UInt8>) -> Int {
        if byte >= 0x20, byte != 0x22, byte != 0x5C {
            output[0] = byte
            return 1
        }
        let short: UInt8
        switch byte {
        case 0x22, 0x5C: short = byte
        case 0x08: short = 0x62
        case 0x0C: short = 0x66
        case 0x0A: short = 0x6E
        case 0x0D: short = 0x72
        case 0x09: short = 0x74
        default: short = 0x75
        }
        output[0] = 0x5C
        output[1] = short
        guard short == 0x75 else { return 2 }
        output[2] = 0x30
        output[3] = 0x30
        output[4] = 0x30 &+ byte &>> 4
        let digit = byte & 0xF
        output[5] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
        return 6
    }
}

extension UnsafeMutablePointer<UInt8> {
    @inline(__always)
    fileprivate func copyBytes(_ bytes: UnsafeRawBufferPointer) {
        if let source = bytes.baseAddress { UnsafeMutableRawPointer(self).copyMemory(from: source, byteCount: bytes.count) }
    }
}
