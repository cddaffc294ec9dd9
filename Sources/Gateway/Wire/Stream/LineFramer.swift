public import NIOCore

/// Cuts a byte stream into lines, as NDJSON has them: ended by LF or CRLF, empty ones left out.
public struct LineFramer: Sendable {
    private var bytes = ByteBuffer()
    /// Bytes from the reader index that hold no LF.
    private var scanned = 0
    private let limit: Int

    /// - Parameter limit: Most bytes of a line.
    public init(limit: Int = 1 << 20) { self.limit = limit }

    public mutating func feed(_ input: ByteBuffer) {
        if self.bytes.readableBytes == 0 {
            self.bytes = input
            self.scanned = 0
        } else {
            self.bytes.append(input)
        }
    }

    /// The next complete line without its end.
    public mutating func next() throws(SSEError) -> ByteBuffer? {
        while true {
            let start = self.scanned
            let end = self.bytes.withUnsafeReadableBytes { raw -> Int? in
                raw.baseAddress.flatMap { ByteScan.index(of: 0x0A, in: $0.assumingMemoryBound(to: UInt8.self), from: start, to: raw.count) }
            }
            guard let end else {
                self.scanned = self.bytes.readableBytes
                if self.scanned > self.limit { throw .eventTooLarge }
                return nil
            }
            let line = self.bytes.readSlice(length: end)
            self.bytes.moveReaderIndex(forwardBy: 1)
            self.scanned = 0
            if let line = line.flatMap(LineFramer.content) { return line }
        }
    }

    /// What stands behind the last line end.
    public mutating func finish() -> ByteBuffer? {
        defer { self.bytes = ByteBuffer() }
        return LineFramer.content(self.bytes)
    }

    private static func content(_ line: ByteBuffer) -> ByteBuffer? {
        var line = line
        while let last = line.getInteger(at: line.writerIndex - 1, as: UInt8.self), line.readableBytes > 0, last == 0x0D || last == 0x20 { line.moveWriterIndex(to: line.writerIndex - 1) }
        return line.readableBytes > 0 ? line : nil
    }
}

/// Cuts one JSON array that arrives in pieces into its elements, as Gemini streams without `alt=sse`. Elements are not validated, only found.
public struct JSONArrayFramer: Sendable {
    private var bytes = ByteBuffer()
    /// Bytes from the reader index that have been looked at.
    private var scanned = 0
    /// Depth below the array.
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private let limit: Int

    public init(limit: Int = 8 << 20) { self.limit = limit }

    public mutating func feed(_ input: ByteBuffer) {
        if self.bytes.readableBytes == 0 {
            self.bytes = input
            self.scanned = 0
        } else {
            self.bytes.append(input)
        }
    }

    /// The next complete element that is an object.
    public mutating func next() throws(SSEError) -> ByteBuffer? {
        var start = -1
        var end = -1
        var state = (i: self.scanned, depth: self.depth, isInString: self.isInString, isEscaped: self.isEscaped)
        let isOpen = self.depth > 0
        self.bytes.withUnsafeReadableBytes { raw in
            if isOpen { start = 0 }
            while state.i < raw.count {
                let byte = raw[state.i]
                state.i += 1
                if state.isInString {
                    if state.isEscaped { state.isEscaped = false } else if byte == 0x5C { state.isEscaped = true } else if byte == 0x22 { state.isInString = false }
                    continue
                }
                switch byte {
                case 0x22: state.isInString = true
                case 0x7B:
                    if state.depth == 0 { start = state.i - 1 }
                    state.depth += 1
                case 0x5B where state.depth > 0: state.depth += 1
                case 0x5D where state.depth > 0: state.depth -= 1
                case 0x7D where state.depth > 0:
                    state.depth -= 1
                    if state.depth == 0 {
                        end = state.i
                        return
                    }
                default: continue
                }
            }
        }
        (self.scanned, self.depth, self.isInString, self.isEscaped) = state
        guard end >= 0 else {
            // What stands before an element is punctuation.
            let skipped = start < 0 ? self.bytes.readableBytes : start
            self.bytes.moveReaderIndex(forwardBy: skipped)
            self.scanned -= skipped
            if self.bytes.readableBytes > self.limit { throw .eventTooLarge }
            return nil
        }
        let element = self.bytes.getSlice(at: self.bytes.readerIndex + start, length: end - start)
        self.bytes.moveReaderIndex(forwardBy: end)
        self.scanned = 0
        return element
    }
}
