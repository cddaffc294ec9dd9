public import NIOCore

/// A request target (RFC 9112 section 3.2), validated and split, in a slice of the bytes it came in.
public struct HTTPTarget: Sendable {
    /// The four forms a target can have.
    public enum Form: Sendable, Equatable {
        /// `/path?query`
        case origin
        /// `http://authority/path?query`
        case absolute
        /// `host:port`, only with CONNECT
        case authority
        /// `*`, only with OPTIONS
        case asterisk
    }

    /// The whole target.
    public let bytes: ByteBuffer
    /// Its form.
    public let form: Form
    private let schemeLength: UInt32
    private let authorityStart: UInt32
    private let authorityEnd: UInt32
    private let pathEnd: UInt32

    /// The path: never empty for origin form; "/" when an absolute form has none; empty for the other forms. Not decoded, not normalised.
    public var path: ByteBufferView {
        switch form {
        case .origin: return view(0, pathEnd)
        case .absolute: return pathEnd == authorityEnd ? Self.root.readableBytesView : view(authorityEnd, pathEnd)
        case .authority, .asterisk: return ByteBufferView()
        }
    }

    /// The bytes of ``path``, for who needs no share in their storage.
    public func withPath<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        guard form == .origin else { return path.withUnsafeBytes(body) }
        return bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[0..<Int(pathEnd)])) }
    }

    /// What follows the first "?", without it; nil when there is none.
    public var query: ByteBufferView? {
        let end = UInt32(truncatingIfNeeded: bytes.readableBytes)
        guard form == .origin || form == .absolute, pathEnd < end else { return nil }
        return view(pathEnd + 1, end)
    }

    /// Path and query together as they were sent; what an upstream request line repeats. Beware that an absolute form without a path begins with "?" or is empty here.
    public var pathAndQuery: ByteBufferView {
        form == .authority ? ByteBufferView() : view(form == .absolute ? authorityEnd : 0, UInt32(truncatingIfNeeded: bytes.readableBytes))
    }

    /// The scheme of an absolute form, as it was sent.
    public var scheme: ByteBufferView? { form == .absolute ? view(0, schemeLength) : nil }

    /// The authority of an absolute or authority form, `host [ ":" port ]`.
    public var authority: ByteBufferView? {
        form == .absolute || form == .authority ? view(authorityStart, authorityEnd) : nil
    }

    /// A target for a request of our own.
    ///
    /// - Parameters:
    ///   - text: The target.
    ///   - method: The request's method, which decides what forms are allowed.
    /// - Throws: ``HTTPParseError/targetInvalid`` or ``HTTPParseError/hostInvalid``.
    public init(_ text: String, method: HTTPMethod = .get) throws(HTTPParseError) {
        try self.init(ByteBuffer(string: text), method: method)
    }

    /// A target in the readable bytes of a buffer.
    public init(_ bytes: ByteBuffer, method: HTTPMethod) throws(HTTPParseError) {
        var bytes = bytes
        if bytes.readerIndex != 0 { bytes = bytes.slice() }
        let parts = try bytes.withUnsafeReadableBytes { (raw) throws(HTTPParseError) -> Parts in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self), !raw.isEmpty else { throw .targetInvalid }
            return try Self.split(p, raw.count, method)
        }
        self.bytes = bytes
        form = parts.form
        schemeLength = UInt32(truncatingIfNeeded: parts.schemeLength)
        authorityStart = UInt32(truncatingIfNeeded: parts.authorityStart)
        authorityEnd = UInt32(truncatingIfNeeded: parts.authorityEnd)
        pathEnd = UInt32(truncatingIfNeeded: parts.pathEnd)
    }

    private struct Parts {
        var form: Form
        var schemeLength = 0
        var authorityStart = 0
        var authorityEnd = 0
        var pathEnd = 0
    }

    private static let root = ByteBuffer(staticString: "/")

    private static func split(_ p: UnsafePointer<UInt8>, _ count: Int, _ method: HTTPMethod) throws(HTTPParseError) -> Parts {
        guard isTargetBytes(p, count) else { throw .targetInvalid }
        if method == .connect {
            guard let authority = HTTPAuthority.parse(p, count: count), authority.port != nil else { throw .targetInvalid }
            return Parts(form: .authority, authorityEnd: count, pathEnd: count)
        }
        if p[0] == 0x2F {
            return Parts(form: .origin, pathEnd: ByteScan.index(of: 0x3F, in: p, from: 0, to: count) ?? count)
        }
        if count == 1, p[0] == 0x2A {
            guard method == .options else { throw .targetInvalid }
            return Parts(form: .asterisk, pathEnd: count)
        }
        guard let scheme = schemeLength(p, count) else { throw .targetInvalid }
        let start = scheme + 3
        var end = start
        while end < count, p[end] != 0x2F, p[end] != 0x3F { end += 1 }
        guard HTTPAuthority.parse(p + start, count: end - start) != nil else { throw .hostInvalid }
        let path = ByteScan.index(of: 0x3F, in: p, from: end, to: count) ?? count
        return Parts(form: .absolute, schemeLength: scheme, authorityStart: start, authorityEnd: end, pathEnd: path)
    }

    /// Length of `http` or `https` before "://": the schemes a gateway serves.
    private static func schemeLength(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        for literal: StaticString in ["http", "https"] {
            let n = literal.utf8CodeUnitCount
            if count > n + 3, HTTPGrammar.equalsLowercased(p, n, literal), p[n] == 0x3A, p[n + 1] == 0x2F, p[n + 2] == 0x2F { return n }
        }
        return nil
    }

    /// Visible ASCII without "#": a fragment is never sent (RFC 9110 section 4.2.5), everything else has to be percent-encoded.
    private static func isTargetBytes(_ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var i = 0
        while i &+ 8 <= count {
            let word = Swar.load(p, i)
            // Below 0x21 or above 0x7E, or "#"; exact as a whole because only "any" is asked.
            let low = (word &- 0x2121_2121_2121_2121) & ~word & Swar.highs
            if low | (word & Swar.highs) | Swar.equal(word, 0x7F) | Swar.equal(word, 0x23) != 0 { return false }
            i &+= 8
        }
        while i < count {
            let c = p[i]
            if c <= 0x20 || c >= 0x7F || c == 0x23 { return false }
            i &+= 1
        }
        return true
    }

    private func view(_ start: UInt32, _ end: UInt32) -> ByteBufferView {
        bytes.viewBytes(at: Int(start), length: Int(end) - Int(start)) ?? ByteBufferView()
    }
}

extension HTTPTarget: CustomStringConvertible {
    /// The target without its query, which may hold credentials.
    public var description: String { form == .authority ? String(buffer: bytes) : form == .asterisk ? "*" : String(decoding: path, as: UTF8.self) }
}
