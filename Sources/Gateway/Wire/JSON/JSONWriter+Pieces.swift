public import NIOCore

/// Strings made of pieces, and strings whose escapes are somebody else's.
extension JSONWriter {
    /// Writes the content of a JSON string as it stands in a validated text: escapes are copied, not decoded and made again.
    public mutating func string(verbatim content: ByteBuffer) {
        self.separate(and: 0x22)
        self.buffer.writeImmutableBuffer(content)
        self.append(0x22)
    }

    /// Opens a string; pieces follow, then ``endString()``.
    public mutating func beginString() { self.separate(and: 0x22) }

    /// A piece of valid UTF-8; what JSON wants escaped is escaped.
    public mutating func piece(plain: ByteBuffer) {
        plain.withUnsafeReadableBytes { JSONWriter.escapeContent($0, into: &self.buffer) }
    }

    /// A piece that is the content of a JSON string already.
    public mutating func piece(verbatim: ByteBuffer) { self.buffer.writeImmutableBuffer(verbatim) }

    public mutating func piece(_ text: StaticString) {
        JSONWriter.escapeContent(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), into: &self.buffer)
    }

    /// Closes a string that ``beginString()`` opened.
    public mutating func endString() { self.append(0x22) }

    /// Writes a number by a spelling that is known to be one.
    public mutating func number(spelling: ByteBuffer) { self.raw(spelling) }
}
