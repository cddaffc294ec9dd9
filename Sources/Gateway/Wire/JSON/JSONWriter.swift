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

    /// Writes a key; its value has to follow.
    public mutating func key(_ name: StaticString) {
        separate()
        name.withBytes { Self.escape($0, into: &buffer) }
        buffer.writeStaticString(":")
        needsComma = false
    }

    /// Writes a key; its value has to follow.
    public mutating func key(_ name: String) {
        separate()
        Self.escape(name, into: &buffer)
        buffer.writeStaticString(":")
        needsComma = false
    }

    /// Writes a string.
    public mutating func string(_ value: String) {
        separate()
        Self.escape(value, into: &buffer)
    }

    /// Writes a string.
    public mutating func string(_ value: StaticString) {
        separate()
        value.withBytes { Self.escape($0, into: &buffer) }
    }

    /// Writes bytes as a string; what is not UTF-8 becomes U+FFFD.
    public mutating func string(_ value: ByteBuffer) {
        separate()
        value.withUnsafeReadableBytes { Self.escapeRepairing($0, into: &buffer) }
    }

    /// Writes bytes as a string; what is not UTF-8 becomes U+FFFD.
    public mutating func string(_ value: ByteBufferView) {
        separate()
        value.withUnsafeBytes { Self.escapeRepairing($0, into: &buffer) }
    }

    /// Writes a number.
    public mutating func number(_ value: Int) {
        separate()
        HTTPWriter.decimal(value, into: &buffer)
    }

    /// Writes the shortest spelling that reads back the same; null for a number that is not finite, since JSON has no spelling for it.
    public mutating func number(_ value: Double) {
        separate()
        buffer.writeString(value.isFinite ? value.description : "null")
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) {
        separate()
        buffer.writeStaticString(value ? "true" : "false")
    }

    /// Writes `null`.
    public mutating func null() {
        separate()
        buffer.writeStaticString("null")
    }

    /// Writes one value that already is JSON.
    public mutating func raw(_ value: ByteBuffer) {
        separate()
        buffer.writeImmutableBuffer(value)
    }

    /// Writes a value that lies in another text as it is written there.
    public mutating func raw(_ value: JSONView) {
        separate()
        value.withPointer { _ = buffer.writeBytes(UnsafeRawBufferPointer(start: $0 + value.span.start, count: value.span.count)) }
    }

    mutating func separate() {
        if needsComma { buffer.writeStaticString(",") }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        buffer.writeInteger(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        buffer.writeInteger(bracket)
        needsComma = true
    }
}

extension JSONWriter {
    static func escape(_ text: String, into output: inout ByteBuffer) {
        var text = text
        text.withUTF8 { escape(UnsafeRawBufferPointer($0), into: &output) }
    }

    /// Writes a quoted string of valid UTF-8: quotes, backslashes and control characters are escaped (RFC 8259 section 7), runs between them are copied.
    static func escape(_ text: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        output.reserveCapacity(minimumWritableBytes: text.count + 2)
        output.writeInteger(UInt8(0x22))
        escapeContent(text, into: &output)
        output.writeInteger(UInt8(0x22))
    }

    /// As ``escape(_:into:)``, without the quotes.
    static func escapeContent(_ text: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        guard let p = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var start = 0
        while start < text.count {
            let next = firstToEscape(p, start, text.count)
            if next > start { output.writeBytes(UnsafeRawBufferPointer(start: p + start, count: next - start)) }
            if next < text.count { escape(p[next], into: &output) }
            start = next + 1
        }
    }

    /// As ``escape(_:into:)``, for bytes that may not be UTF-8.
    static func escapeRepairing(_ text: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        let isASCII = text.allSatisfy { $0 < 0x80 }
        if isASCII { escape(text, into: &output) } else { escape(String(decoding: text, as: UTF8.self), into: &output) }
    }

    private static func firstToEscape(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
        var i = start
        while i < end {
            while i &+ 8 <= end {
                let word = Swar.load(p, i)
                let hit = Swar.equal(word, 0x22) | Swar.equal(word, 0x5C) | Swar.control(word)
                if hit == 0 {
                    i &+= 8
                } else {
                    return i &+ hit.trailingZeroBitCount &>> 3
                }
            }
            guard i < end else { break }
            if p[i] == 0x22 || p[i] == 0x5C || p[i] < 0x20 { return i }
            i &+= 1
        }
        return end
    }

    private static func escape(_ byte: UInt8, into output: inout ByteBuffer) {
        switch byte {
        case 0x22: output.writeStaticString("\\\"")
        case 0x5C: output.writeStaticString("\\\\")
        case 0x08: output.writeStaticString("\\b")
        case 0x0C: output.writeStaticString("\\f")
        case 0x0A: output.writeStaticString("\\n")
        case 0x0D: output.writeStaticString("\\r")
        case 0x09: output.writeStaticString("\\t")
        default:
            output.writeStaticString("\\u00")
            for digit in [byte >> 4, byte & 0xF] { output.writeInteger(digit < 10 ? 0x30 + digit : 0x57 + digit) }
        }
    }
}
