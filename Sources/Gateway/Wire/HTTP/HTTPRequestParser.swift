public import NIOCore

/// Parses the requests of one connection, pulled by its owner.
///
/// The owner appends what it receives to one buffer and calls ``next(_:)`` until it answers nil: then more bytes are needed. Bytes of an incomplete head stay in the buffer
/// and are not looked at again. After ``HTTPRequestEvent/end(trailers:)`` the next call reads the next request of the same buffer (pipelining). A thrown error is final.
/// After a request that is not kept alive, and after CONNECT, what follows is not read: the answer is always nil, and ``isClosed`` tells so.
///
/// The rules are those of RFC 9112, without its leniencies: see ``HTTPParseError``.
public struct HTTPRequestParser: Sendable {
    private enum State {
        /// Before or inside a request line. Next: `fields`.
        case start
        /// Inside the header section. Next: `body`, `chunked`, `end`.
        case fields(RequestLine)
        /// Inside content of known length, with so many bytes to come. Next: `end`.
        case body(Int)
        /// Inside chunked content. Next: `start`, `closed`.
        case chunked(ChunkedDecoder)
        /// Content is complete, its end not yet reported. Next: `start`, `closed`.
        case end
        /// The last request of this connection has been read; no byte is read any more (RFC 9112 section 9.6).
        case closed
        /// Nothing can follow.
        case failed(HTTPParseError)
    }

    /// Where the parts of a request line lie.
    private struct RequestLine {
        var method: HTTPMethod
        var targetStart: Int
        var targetLength: Int
        var version: HTTPVersion
    }

    /// What a client may make this parser hold.
    public let limits: HTTPLimits
    private var state = State.start
    private var section = FieldSectionParser()
    /// Bytes of the incomplete request line known to hold no line end.
    private var scanned = 0
    private var skippedEmptyLine = false
    /// The request under way is the last one.
    private var isLast = false

    /// A parser at the beginning of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Whether no request is under way: the connection may be closed without losing one. An incomplete first line that is still in the owner's buffer does not count.
    public var isIdle: Bool {
        switch state {
        case .start, .closed: true
        default: false
        }
    }

    /// Whether the last request of this connection has been read.
    public var isClosed: Bool {
        if case .closed = state { return true }
        return false
    }

    /// Reads the next event, consuming its bytes from `input`.
    ///
    /// - Parameter input: All bytes received and not consumed yet. Between two calls the owner may only append to it.
    /// - Returns: The event, or nil when more bytes are needed.
    /// - Throws: Why the request is refused; every later call throws the same.
    public mutating func next(_ input: inout ByteBuffer) throws(HTTPParseError) -> HTTPRequestEvent? {
        do {
            return try advance(&input)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func advance(_ input: inout ByteBuffer) throws(HTTPParseError) -> HTTPRequestEvent? {
        switch state {
        case .start:
            guard let line = try readRequestLine(&input) else { return nil }
            state = .fields(line)
            return try readFields(line, &input)
        case .fields(let line):
            return try readFields(line, &input)
        case .body(let left):
            let available = min(left, input.readableBytes)
            guard available > 0, let bytes = input.readSlice(length: available) else { return nil }
            state = available == left ? .end : .body(left - available)
            return .body(bytes)
        case .chunked(var decoder):
            let step = try decoder.next(&input, limits: limits)
            switch step {
            case .body(let bytes):
                state = .chunked(decoder)
                return .body(bytes)
            case .end(let trailers):
                restart()
                return .end(trailers: trailers)
            case nil:
                state = .chunked(decoder)
                return nil
            }
        case .end:
            restart()
            return .end(trailers: nil)
        case .closed:
            return nil
        case .failed(let error):
            throw error
        }
    }

    private mutating func restart() {
        state = isLast ? .closed : .start
        scanned = 0
        skippedEmptyLine = false
    }

    private mutating func readRequestLine(_ input: inout ByteBuffer) throws(HTTPParseError) -> RequestLine? {
        guard try skipEmptyLine(&input) else { return nil }
        return try input.withUnsafeReadableBytes { (raw) throws(HTTPParseError) -> RequestLine? in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self), raw.count > 0 else { return nil }
            guard HTTPGrammar.isTokenByte(p[0]) else { throw .methodInvalid }
            guard let lineFeed = ByteScan.index(of: 0x0A, in: p, from: scanned, to: raw.count) else {
                scanned = raw.count
                if raw.count > limits.startLineBytes + 1 { throw .startLineTooLong }
                return nil
            }
            guard p[lineFeed - 1] == 0x0D else { throw .bareLineFeed }
            if lineFeed - 1 > limits.startLineBytes { throw .startLineTooLong }
            section.begin(at: lineFeed + 1)
            return try Self.parseRequestLine(p, lineFeed - 1)
        }
    }

    /// RFC 9112 section 2.2 asks to ignore at least one empty line before a request line; this parser ignores at most one. False when more bytes are needed.
    private mutating func skipEmptyLine(_ input: inout ByteBuffer) throws(HTTPParseError) -> Bool {
        guard let first: UInt8 = input.getInteger(at: input.readerIndex) else { return false }
        if first == 0x0A { throw .bareLineFeed }
        guard first == 0x0D else { return true }
        if skippedEmptyLine { throw .leadingEmptyLines }
        guard let second: UInt8 = input.getInteger(at: input.readerIndex + 1) else { return false }
        guard second == 0x0A else { throw .bareCarriageReturn }
        skippedEmptyLine = true
        input.moveReaderIndex(forwardBy: 2)
        return try skipEmptyLine(&input)
    }

    private static func parseRequestLine(_ p: UnsafePointer<UInt8>, _ end: Int) throws(HTTPParseError) -> RequestLine {
        var methodEnd = 0
        while methodEnd < end, HTTPGrammar.isTokenByte(p[methodEnd]) { methodEnd &+= 1 }
        guard methodEnd < end else { throw .requestLineInvalid }
        guard p[methodEnd] == 0x20 else { throw .methodInvalid }
        let targetStart = methodEnd &+ 1
        guard let targetEnd = ByteScan.index(of: 0x20, in: p, from: targetStart, to: end) else { throw .requestLineInvalid }
        guard targetEnd > targetStart else { throw .targetInvalid }
        let versionStart = targetEnd &+ 1
        // A second space means a space inside the target, which some recipients would take for the end of it.
        if ByteScan.index(of: 0x20, in: p, from: versionStart, to: end) != nil { throw .targetInvalid }
        let version = try HTTPVersion.parse(p + versionStart, count: end &- versionStart)
        return RequestLine(
            method: HTTPMethod(token: p, count: methodEnd), targetStart: targetStart, targetLength: targetEnd &- targetStart, version: version)
    }

    private mutating func readFields(_ line: RequestLine, _ input: inout ByteBuffer) throws(HTTPParseError) -> HTTPRequestEvent? {
        let end = try input.withUnsafeReadableBytes { (raw) throws(HTTPParseError) in
            try section.parse(raw, limits: limits, maximumBytes: limits.fieldsBytes, tooLarge: .fieldsTooLarge)
        }
        guard let end, let bytes = input.readSlice(length: end), let targetBytes = bytes.getSlice(at: line.targetStart, length: line.targetLength) else {
            return nil
        }
        let target = try HTTPTarget(targetBytes, method: line.method)
        let fields = section.take(bytes)
        let message = try MessageFields(fields, version: line.version)
        let mismatch = try Self.checkHost(fields, line.version, target)
        let framing: HTTPRequestFraming = message.isChunked ? .chunked : message.contentLength.map { .length($0) } ?? .none
        if line.method == .connect, framing != .none { throw .contentOnConnect }
        let keepAlive = message.keepAlive(line.version)
        isLast = !keepAlive || line.method == .connect
        switch framing {
        case .none, .length(0): state = .end
        case .length(let count): state = .body(count)
        case .chunked: state = .chunked(ChunkedDecoder())
        }
        return .head(
            HTTPRequestHead(
                method: line.method, target: target, version: line.version, fields: fields, framing: framing, keepAlive: keepAlive,
                expectsContinue: message.expectsContinue && line.version == .http11,
                upgradeRequested: message.hasUpgradeOption && line.version == .http11 && fields.contains(.upgrade), authorityMismatch: mismatch))
    }

    /// Exactly one valid Host in HTTP/1.1, at most one in HTTP/1.0 (RFC 9112 section 3.2).
    ///
    /// - Returns: Whether the target names another authority.
    private static func checkHost(_ fields: HTTPFields, _ version: HTTPVersion, _ target: HTTPTarget) throws(HTTPParseError) -> Bool {
        guard let host = fields.first(.host) else {
            if version == .http11 { throw .hostMissing }
            return false
        }
        if fields.count(of: .host) > 1 { throw .hostRepeated }
        return try host.withUnsafeBytes { (raw) throws(HTTPParseError) -> Bool in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self), HTTPAuthority.parse(p, count: raw.count) != nil else { throw .hostInvalid }
            guard let authority = target.authority else { return false }
            return authority.withUnsafeBytes { !HTTPGrammar.equalsIgnoringCase($0, raw) }
        }
    }
}
