public import NIOCore

/// Writes a head into room made for all of it: one look at the buffer a head instead of one a piece.
public struct HeadWriter {
    private let base: UnsafeMutableRawPointer
    private let room: Int
    private(set) var count = 0

    fileprivate init(_ space: UnsafeMutableRawBufferPointer) {
        // Asked for with room for at least one byte, hence there is an address.
        self.base = space.baseAddress!
        self.room = space.count
    }

    /// The next bytes of the room. What does not fit is a defect of who made the room, and ends the process rather than write beyond it.
    @inline(__always)
    private mutating func take(_ bytes: Int) -> UnsafeMutableRawPointer {
        precondition(bytes <= self.room &- self.count, "the room for a head was too small")
        defer { self.count &+= bytes }
        return self.base + self.count
    }

    @inline(__always)
    public mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        self.take(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    @inline(__always)
    mutating func put(byte: UInt8) { self.take(1).storeBytes(of: byte, as: UInt8.self) }

    /// ASCII letters in lower case.
    @inline(__always)
    mutating func put(lowercased bytes: UnsafeRawBufferPointer) {
        let space = self.take(bytes.count)
        for i in 0..<bytes.count { space.storeBytes(of: HTTPGrammar.lowercased(bytes[i]), toByteOffset: i, as: UInt8.self) }
    }

    @inline(__always)
    public mutating func put(_ text: StaticString) { self.take(text.utf8CodeUnitCount).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount) }

    @inline(__always)
    public mutating func put(_ buffer: ByteBuffer) { buffer.withUnsafeReadableBytes { self.put($0) } }

    @inline(__always)
    public mutating func put(_ text: String) {
        if text.utf8.withContiguousStorageIfAvailable({ self.put(UnsafeRawBufferPointer($0)) }) == nil {
            var text = text
            text.withUTF8 { self.put(UnsafeRawBufferPointer($0)) }
        }
    }

    /// A number in decimal digits.
    @inline(__always)
    public mutating func put(decimal value: Int) {
        precondition(HTTPWriter.maximumDecimalDigits <= self.room &- self.count, "the room for a head was too small")
        self.count &+= HTTPWriter.decimal(value, into: UnsafeMutableRawBufferPointer(start: self.base + self.count, count: HTTPWriter.maximumDecimalDigits))
    }

    @inline(__always)
    public mutating func put(_ lines: FieldLines) { lines.withUnsafeBytes { self.put($0) } }

    /// The field lines of a list, as ``HTTPFields/write(into:skipping:)``.
    public mutating func put(_ fields: HTTPFields, skipping skipped: KnownFieldSet) {
        fields.forEachRun(skipping: skipped) { self.put($0) }
    }

    /// `HTTP/1.1 status reason CRLF`.
    @inline(__always)
    public mutating func statusLine(_ status: Int) {
        guard status != 200 else { return self.put("HTTP/1.1 200 OK\r\n" as StaticString) }
        let status = 100...999 ~= status ? status : 500
        self.put("HTTP/1.1 " as StaticString)
        self.put(decimal: status)
        self.put(" " as StaticString)
        self.put(HTTPStatus.reason(status))
        self.put("\r\n" as StaticString)
    }

    /// Room for what every head has besides fields, lines and target: start line, framing, connection, trace context.
    public static var fixedRoom: Int { 320 }
}

extension ByteBuffer {
    /// Writes a head at the end.
    ///
    /// - Parameter room: most bytes that `body` writes.
    /// - Returns: the bytes written.
    @inline(__always)
    @discardableResult
    public mutating func writeHead(room: Int, _ body: (inout HeadWriter) -> Void) -> Int {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: max(1, room)) { space in
            var writer = HeadWriter(space)
            body(&writer)
            return writer.count
        }
    }
}
