public import NIOCore

/// Parses the responses of one upstream connection, pulled by its owner.
///
/// Before each request the owner calls ``expect(_:)``: what a response means depends on the method it answers, and bytes that answer nothing are refused, so that a response
/// left over on a kept connection never reaches another client. Otherwise as ``HTTPRequestParser``.
public struct HTTPResponseParser: Sendable {
    /// What the connection's end means for the response under way.
    public enum Completion: Sendable, Equatable {
        /// Nothing was under way.
        case idle
        /// Content delimited by the connection's end is complete.
        case complete
        /// A response is missing or was cut off.
        case truncated
    }

    private enum State {
        /// No request is waiting. Next: `start`.
        case idle
        /// Before or inside a status line. Next: `fields`.
        case start
        /// Inside the header section. Next: `start` (informational), `body`, `chunked`, `untilClose`, `end`.
        case fields(StatusLine)
        /// Inside content of known length, with so many bytes to come. Next: `end`.
        case body(Int)
        /// Inside chunked content. Next: `idle`.
        case chunked(ChunkedDecoder)
        /// Inside content that the connection's end delimits. Next: `idle`, by ``finish()``.
        case untilClose
        /// Content is complete, its end not yet reported. Next: `idle`, `tunnel`.
        case end(isTunnel: Bool)
        /// The connection speaks another protocol (101, or 2xx to CONNECT); no byte is read.
        case tunnel
        /// Nothing can follow.
        case failed(HTTPParseError)
    }

    private struct StatusLine {
        var version: HTTPVersion
        var status: Int
        var reasonStart: Int
        var reasonLength: Int
    }

    /// What an upstream may make this parser hold.
    public let limits: HTTPLimits
    private var state = State.idle
    private var method = HTTPMethod.get
    private var section = FieldSectionParser()
    /// Bytes of the incomplete status line known to hold no line end.
    private var scanned = 0
    private var informationalCount = 0

    /// A parser at the beginning of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Announces the request whose response comes next. Must not be called while a response is under way.
    public mutating func expect(_ method: HTTPMethod) {
        guard case .idle = state else { return }
        self.method = method
        state = .start
        scanned = 0
        informationalCount = 0
    }

    /// Whether no response is under way or awaited: the connection may serve another request.
    public var isIdle: Bool {
        if case .idle = state { return true }
        return false
    }

    /// Whether the connection speaks another protocol: bytes in the owner's buffer are not HTTP.
    public var isTunnel: Bool {
        if case .tunnel = state { return true }
        return false
    }

    /// Reads the next event, consuming its bytes from `input`.
    ///
    /// - Parameter input: All bytes received and not consumed yet. Between two calls the owner may only append to it.
    /// - Returns: The event, or nil when more bytes are needed.
    /// - Throws: Why the response is refused; every later call throws the same.
    public mutating func next(_ input: inout ByteBuffer) throws(HTTPParseError) -> HTTPResponseEvent? {
        do {
            return try advance(&input)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// Tells the parser that the connection has ended; all bytes received have to be read by ``next(_:)`` before.
    ///
    /// - Parameter isBroken: whether the connection did not end but broke, as by a reset, or by an end of TLS without a closure alert: content that its end delimits is then cut
    ///   off (RFC 9112 sections 8 and 9.8).
    /// - Returns: Whether a response was under way, and whether it is complete. After `complete` no ``HTTPResponseEvent/end(trailers:)`` comes.
    public mutating func finish(isBroken: Bool = false) -> Completion {
        switch state {
        case .idle, .tunnel: return .idle
        case .untilClose where isBroken: return .truncated
        case .untilClose, .end:
            state = .idle
            return .complete
        case .start, .fields, .body, .chunked, .failed: return .truncated
        }
    }

    private mutating func advance(_ input: inout ByteBuffer) throws(HTTPParseError) -> HTTPResponseEvent? {
        switch state {
        case .idle:
            if input.readableBytes > 0 { throw .unexpectedBytes }
            return nil
        case .tunnel:
            return nil
        case .start:
            guard let line = try readStatusLine(input) else { return nil }
            state = .fields(line)
            return try readFields(line, &input)
        case .fields(let line):
            return try readFields(line, &input)
        case .body(let left):
            let available = min(left, input.readableBytes)
            guard available > 0, let bytes = input.readSlice(length: available) else { return nil }
            state = available == left ? .end(isTunnel: false) : .body(left - available)
            return .body(bytes)
        case .chunked(var decoder):
            let step = try decoder.next(&input, limits: limits)
            state = .chunked(decoder)
            switch step {
            case .body(let bytes): return .body(bytes)
            case .end(let trailers):
                state = .idle
                return .end(trailers: trailers)
            case nil: return nil
            }
        case .untilClose:
            guard input.readableBytes > 0, let bytes = input.readSlice(length: input.readableBytes) else { return nil }
            return .body(bytes)
        case .end(let isTunnel):
            state = isTunnel ? .tunnel : .idle
            return .end(trailers: nil)
        case .failed(let error):
            throw error
        }
    }

    private mutating func readStatusLine(_ input: ByteBuffer) throws(HTTPParseError) -> StatusLine? {
        try input.withUnsafeReadableBytes { (raw) throws(HTTPParseError) -> StatusLine? in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self), raw.count > 0 else { return nil }
            guard p[0] == 0x48 else { throw .statusLineInvalid }
            guard let lineFeed = ByteScan.index(of: 0x0A, in: p, from: scanned, to: raw.count) else {
                scanned = raw.count
                if raw.count > limits.startLineBytes + 1 { throw .startLineTooLong }
                return nil
            }
            guard p[lineFeed - 1] == 0x0D else { throw .bareLineFeed }
            if lineFeed - 1 > limits.startLineBytes { throw .startLineTooLong }
            section.begin(at: lineFeed + 1)
            return try Self.parseStatusLine(p, lineFeed - 1)
        }
    }

    /// `version SP 3DIGIT SP [reason]`; the second space may be missing with the reason, as many servers leave it out.
    private static func parseStatusLine(_ p: UnsafePointer<UInt8>, _ end: Int) throws(HTTPParseError) -> StatusLine {
        guard end >= 12, p[8] == 0x20, ByteScan.isDigit(p[9]), ByteScan.isDigit(p[10]), ByteScan.isDigit(p[11]) else { throw .statusLineInvalid }
        let version = try HTTPVersion.parse(p, count: 8)
        let status = Int(p[9] - 0x30) * 100 + Int(p[10] - 0x30) * 10 + Int(p[11] - 0x30)
        guard status >= 100, end == 12 || p[12] == 0x20 else { throw .statusLineInvalid }
        let reasonStart = min(end, 13)
        guard HTTPGrammar.invalidValueByte(in: p, from: reasonStart, to: end) == nil else { throw .statusLineInvalid }
        return StatusLine(version: version, status: status, reasonStart: reasonStart, reasonLength: end - reasonStart)
    }

    private mutating func readFields(_ line: StatusLine, _ input: inout ByteBuffer) throws(HTTPParseError) -> HTTPResponseEvent? {
        let end = try input.withUnsafeReadableBytes { (raw) throws(HTTPParseError) in
            try section.parse(raw, limits: limits, maximumBytes: limits.fieldsBytes, tooLarge: .fieldsTooLarge)
        }
        guard let end, let bytes = input.readSlice(length: end), let reason = bytes.getSlice(at: line.reasonStart, length: line.reasonLength) else { return nil }
        let fields = section.take(bytes)
        let message = try MessageFields(fields, version: line.version)
        let framing = try framing(line.status, message)
        let head = HTTPResponseHead(
            status: line.status, reason: reason, version: line.version, fields: fields, framing: framing,
            keepAlive: message.keepAlive(line.version) && framing != .untilClose)
        if line.status < 200, line.status != 101 {
            informationalCount += 1
            if informationalCount > limits.informationalCount { throw .tooManyInformational }
            state = .start
            scanned = 0
            return .informational(head)
        }
        switch framing {
        case .none: state = .end(isTunnel: line.status == 101 || (method == .connect && line.status < 300))
        case .length(0): state = .end(isTunnel: false)
        case .length(let count): state = .body(count)
        case .chunked: state = .chunked(ChunkedDecoder())
        case .untilClose: state = .untilClose
        }
        return .head(head)
    }

    /// RFC 9112 section 6.3, rules 1 to 8.
    private func framing(_ status: Int, _ message: MessageFields) throws(HTTPParseError) -> HTTPResponseFraming {
        if status < 200 || status == 204 {
            if message.isChunked { throw .contentNotAllowed }
            return .none
        }
        if status == 304 || method == .head || (method == .connect && status < 300) { return .none }
        if message.isChunked { return .chunked }
        if let length = message.contentLength { return .length(length) }
        return .untilClose
    }
}
