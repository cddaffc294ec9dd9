import NIOCore

/// What the fields of one message say about framing and the connection. The refusals that defend against request smuggling are here.
struct MessageFields {
    var contentLength: Int?
    var isChunked = false
    var hasClose = false
    var hasKeepAlive = false
    /// A Connection field with a tab in or around it: recipients disagree on whether it says keep-alive.
    var hasTabbedConnection = false
    var hasUpgradeOption = false
    var expectsContinue = false

    private static let relevant: KnownFieldSet = [.contentLength, .transferEncoding, .connection, .expect]

    init(_ fields: HTTPFields, version: HTTPVersion) throws(HTTPParseError) {
        guard !fields.present.isDisjoint(with: Self.relevant) else { return }
        self = try fields.bytes.withUnsafeReadableBytes { (raw) throws(HTTPParseError) -> MessageFields in
            var result = MessageFields()
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return result }
            for entry in fields.entries {
                guard let known = entry.known else { continue }
                if !entry.isCanonical, Self.isTabbed(p, entry) {
                    if known == .contentLength { throw .contentLengthInvalid }
                    if known == .transferEncoding { throw .transferEncodingInvalid }
                    if known == .connection { result.hasTabbedConnection = true }
                }
                try result.read(known, p + Int(entry.valueOffset), Int(entry.valueLength))
            }
            return result
        }
        if isChunked {
            if contentLength != nil { throw .contentLengthWithTransferEncoding }
            if version == .http10 { throw .transferEncodingInHTTP10 }
        }
    }

    private init() {}

    /// Whether the sender wants the connection to persist (RFC 9112 section 9.3).
    func keepAlive(_ version: HTTPVersion) -> Bool {
        // Closing is right whatever the other recipients read.
        !hasClose && (version == .http11 || (hasKeepAlive && !hasTabbedConnection))
    }

    /// Whether a tab stands around the value. RFC 9110 section 5.5 would drop it; some recipients do not, which is a classic way to hide a Transfer-Encoding from one of two.
    private static func isTabbed(_ p: UnsafePointer<UInt8>, _ entry: HTTPFields.Entry) -> Bool {
        ByteScan.index(of: 0x09, in: p, from: entry.nameEnd, to: Int(entry.valueOffset)) != nil
            || ByteScan.index(of: 0x09, in: p, from: entry.valueEnd, to: entry.valueEnd + trailingBlanks(p, entry)) != nil
    }

    /// Blanks between a value and its line end; the CR behind them is always there.
    private static func trailingBlanks(_ p: UnsafePointer<UInt8>, _ entry: HTTPFields.Entry) -> Int {
        var count = 0
        while HTTPGrammar.isBlank(p[entry.valueEnd + count]) { count += 1 }
        return count
    }

    private mutating func read(_ field: KnownField, _ p: UnsafePointer<UInt8>, _ count: Int) throws(HTTPParseError) {
        switch field {
        case .contentLength:
            if contentLength != nil { throw .contentLengthRepeated }
            contentLength = try Self.length(p, count)
        case .transferEncoding: try readTransferEncoding(p, count)
        case .connection:
            if ByteScan.index(of: 0x09, in: p, from: 0, to: count) != nil { hasTabbedConnection = true }
            HTTPGrammar.forEachListElement(p, count) { token, length in
                if HTTPGrammar.equalsLowercased(token, length, "close") { hasClose = true }
                if HTTPGrammar.equalsLowercased(token, length, "keep-alive") { hasKeepAlive = true }
                if HTTPGrammar.equalsLowercased(token, length, "upgrade") { hasUpgradeOption = true }
                return true
            }
        case .expect: if HTTPGrammar.equalsLowercased(p, count, "100-continue") { expectsContinue = true }
        default: break
        }
    }

    /// `1*DIGIT` that fits, nothing else.
    private static func length(_ p: UnsafePointer<UInt8>, _ count: Int) throws(HTTPParseError) -> Int {
        // 18 digits cannot overflow; longer numbers, be they zero-padded, have no honest use.
        guard count > 0, count <= 18 else { throw .contentLengthInvalid }
        var value = 0
        for i in 0..<count {
            guard ByteScan.isDigit(p[i]) else { throw .contentLengthInvalid }
            value = value &* 10 &+ Int(p[i] &- 0x30)
        }
        return value
    }

    /// Only `chunked`, once. Anything that follows chunked, or is no list of codings, is malformed; any other coding is unsupported.
    private mutating func readTransferEncoding(_ p: UnsafePointer<UInt8>, _ count: Int) throws(HTTPParseError) {
        if isChunked { throw .transferEncodingInvalid }
        if HTTPGrammar.equalsLowercased(p, count, "chunked") {
            isChunked = true
            return
        }
        guard count > 0, HTTPGrammar.isTokenByte(p[0]) else { throw .transferEncodingInvalid }
        var end = 0
        while end < count, HTTPGrammar.isTokenByte(p[end]) { end += 1 }
        let isOtherCoding = !HTTPGrammar.equalsLowercased(p, end, "chunked")
        guard isOtherCoding, end == count || p[end] == 0x2C || p[end] == 0x3B || HTTPGrammar.isBlank(p[end]) else { throw .transferEncodingInvalid }
        throw .transferCodingUnsupported
    }
}
