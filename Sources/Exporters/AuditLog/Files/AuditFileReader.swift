#if canImport(Glibc)
    import Glibc
#endif
internal import CLZ4

/// Why a file of the audit stream could not be read to its end.
public struct AuditReadFailure: Error, Sendable, CustomStringConvertible {
    public let path: String
    /// `no such file`, `the LZ4 frame is damaged or cut off`, …
    public let reason: String

    public var description: String { "\(self.path): \(self.reason)" }
}

/// Reads the lines of an audit file one after the other, plain or as LZ4 frame; memory does not grow with the file.
public struct AuditFileReader: ~Copyable {
    private let descriptor: Int32
    private let path: String
    private var context: OpaquePointer?
    private var raw: [UInt8]
    private var rawStart = 0
    private var rawEnd = 0
    /// Bytes of `buffer` that belong to lines not given out yet.
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    private var isFrameOpen = false

    private static let chunk = 1 << 18
    /// Longest line; the encoder writes none that comes near.
    private static let maximumLine = 64 << 20

    public init(_ path: String) throws(AuditReadFailure) {
        self.path = path
        self.descriptor = open(path, O_RDONLY | O_CLOEXEC)
        self.raw = [UInt8](repeating: 0, count: AuditFileReader.chunk)
        guard self.descriptor >= 0 else { throw AuditReadFailure(path: path, reason: String(cString: strerror(errno))) }
        if path.hasSuffix(AuditSegments.suffix) {
            guard LZ4F_isError(LZ4F_createDecompressionContext(&self.context, UInt32(LZ4F_VERSION))) == 0 else {
                throw AuditReadFailure(path: path, reason: "no memory")
            }
        }
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
        if let context { LZ4F_freeDecompressionContext(context) }
    }

    /// The next line without its newline; nil at the end. What stands behind the last newline is not a line, see ``tornBytes``.
    public mutating func next() throws(AuditReadFailure) -> [UInt8]? {
        var searched = self.start
        while true {
            if let end = self.newline(from: searched) {
                let line = Array(self.buffer[self.start..<end])
                self.start = end + 1
                return line
            }
            searched = self.buffer.count
            if self.isAtEnd { return nil }
            if self.start > 0 {
                self.buffer.removeFirst(self.start)
                searched -= self.start
                self.start = 0
            }
            guard self.buffer.count <= AuditFileReader.maximumLine else { throw AuditReadFailure(path: self.path, reason: "a line is longer than 64 MiB") }
            try self.fill()
        }
    }

    /// Bytes behind the last newline, once ``next()`` has returned nil: a line that broke off, or one that is being written.
    public var tornBytes: Int { self.buffer.count - self.start }

    private func newline(from index: Int) -> Int? {
        self.buffer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, index < bytes.count else { return nil }
            return memchr(base + index, 0x0a, bytes.count - index).map { UnsafeRawPointer($0) - base }
        }
    }

    private mutating func fill() throws(AuditReadFailure) {
        if self.rawStart == self.rawEnd {
            self.rawStart = 0
            var count = read(self.descriptor, &self.raw, AuditFileReader.chunk)
            while count < 0, errno == EINTR { count = read(self.descriptor, &self.raw, AuditFileReader.chunk) }
            guard count >= 0 else { throw AuditReadFailure(path: self.path, reason: String(cString: strerror(errno))) }
            self.rawEnd = count
            if count == 0 {
                self.isAtEnd = true
                if self.isFrameOpen { throw AuditReadFailure(path: self.path, reason: "the LZ4 frame is cut off") }
                return
            }
        }
        guard let context else {
            self.buffer.append(contentsOf: self.raw[self.rawStart..<self.rawEnd])
            self.rawStart = self.rawEnd
            return
        }
        let old = self.buffer.count
        self.buffer.append(contentsOf: repeatElement(0, count: AuditFileReader.chunk))
        var produced = AuditFileReader.chunk
        var consumed = self.rawEnd - self.rawStart
        let from = self.rawStart
        let hint = self.buffer.withUnsafeMutableBytes { target in
            self.raw.withUnsafeBytes { source in
                LZ4F_decompress(context, target.baseAddress.map { $0 + old }, &produced, source.baseAddress.map { $0 + from }, &consumed, nil)
            }
        }
        self.buffer.removeLast(AuditFileReader.chunk - produced)
        self.rawStart += consumed
        guard LZ4F_isError(hint) == 0 else { throw AuditReadFailure(path: self.path, reason: "the LZ4 frame is damaged") }
        self.isFrameOpen = hint != 0
    }
}
