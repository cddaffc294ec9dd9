public import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// By how many tokens one JSON text is longer than another, by the estimate of ``TokenEstimator``.
///
/// Looks at what differs only: beginning and end that both have are compared as memory, which costs a hundredth of reading them. What lies between is cut anywhere, so
/// it is read by quotes rather than as a document: strings count, names of members and a few values that no model reads do not.
public enum TokenDelta {
    /// Tokens that a message costs besides its text (``ModelTextWalk``).
    private static let messageThousandths = 3000
    /// Bytes before a cut that are looked at for what it is in the middle of.
    private static let lookBehind = 64

    public static func of(_ before: ByteBuffer, _ after: ByteBuffer) -> Int {
        before.withUnsafeReadableBytes { a in after.withUnsafeReadableBytes { b in self.of(a, b) } }
    }

    static func of(_ before: UnsafeRawBufferPointer, _ after: UnsafeRawBufferPointer) -> Int {
        let shorter = min(before.count, after.count)
        let prefix = self.commonPrefix(before, after, shorter)
        if prefix == before.count, prefix == after.count { return 0 }
        let suffix = self.commonSuffix(before, after, shorter - prefix)
        let difference = self.thousandths(after, prefix..<(after.count - suffix)) - self.thousandths(before, prefix..<(before.count - suffix))
        return Int((Double(difference) / 1000).rounded())
    }

    private static func commonPrefix(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _ limit: Int) -> Int {
        var i = 0
        while i + 8 <= limit, a.loadUnaligned(fromByteOffset: i, as: UInt64.self) == b.loadUnaligned(fromByteOffset: i, as: UInt64.self) { i += 8 }
        while i < limit, a[i] == b[i] { i += 1 }
        return i
    }

    private static func commonSuffix(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _ limit: Int) -> Int {
        var i = 0
        while i + 8 <= limit, a.loadUnaligned(fromByteOffset: a.count - i - 8, as: UInt64.self) == b.loadUnaligned(fromByteOffset: b.count - i - 8, as: UInt64.self) { i += 8 }
        while i < limit, a[a.count - i - 1] == b[b.count - i - 1] { i += 1 }
        return i
    }

    // MARK: A piece of JSON

    private static func thousandths(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
        guard !range.isEmpty else { return 0 }
        var estimator = TokenEstimator()
        var messages = 0
        var position = range.lowerBound
        var key = self.key(before: position, text)
        var isInside = self.isInside(text, range)
        while position < range.upperBound {
            let quote = self.quote(text, position..<range.upperBound)
            if isInside {
                let end = quote ?? range.upperBound
                let content = UnsafeRawBufferPointer(rebasing: text[position..<end])
                if quote != nil, self.next(text, after: end) == UInt8(ascii: ":") {
                    key = content
                    if content.elementsEqual("role".utf8) { messages += 1 }
                } else if !self.isUnread(key) {
                    estimator.add(content)
                }
            }
            guard let quote else { break }
            isInside.toggle()
            position = quote + 1
        }
        return estimator.thousandths + messages * self.messageThousandths
    }

    /// The next quote that is not escaped.
    private static func quote(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        guard let base = text.baseAddress else { return nil }
        var position = range.lowerBound
        while position < range.upperBound, let found = memchr(base + position, 0x22, range.upperBound - position) {
            let index = UnsafeRawPointer(found) - base
            var slashes = 0
            while index - slashes > 0, text[index - slashes - 1] == 0x5c { slashes += 1 }
            if slashes.isMultiple(of: 2) { return index }
            position = index + 1
        }
        return nil
    }

    /// Whether the piece begins within a string: then what follows its first quote is what follows a string.
    private static func isInside(_ text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        guard let quote = self.quote(text, range.lowerBound..<text.count) else { return false }
        return switch self.next(text, after: quote) {
        case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "}"), UInt8(ascii: "]"), 0: true
        default: false
        }
    }

    /// The first byte behind a place that is no white space; 0: there is none.
    private static func next(_ text: UnsafeRawBufferPointer, after place: Int) -> UInt8 {
        var i = place + 1
        while i < text.count, text[i] == 0x20 || text[i] == 0x0a || text[i] == 0x0d || text[i] == 0x09 { i += 1 }
        return i < text.count ? text[i] : 0
    }

    /// The name of the member in whose value a cut lies, where it is near.
    private static func key(before place: Int, _ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let near = text[max(0, place - self.lookBehind)..<place]
        guard let colon = near.lastIndex(of: UInt8(ascii: ":")), let end = text[near.startIndex..<colon].lastIndex(of: 0x22),
            let start = text[near.startIndex..<end].lastIndex(of: 0x22)
        else { return none }
        return UnsafeRawBufferPointer(rebasing: text[(start + 1)..<end])
    }

    /// Members whose values describe the exchange: no model reads them.
    private static func isUnread(_ key: UnsafeRawBufferPointer) -> Bool {
        switch key.count {
        case 2: key.elementsEqual("id".utf8)
        case 4: key.elementsEqual("role".utf8) || key.elementsEqual("type".utf8)
        case 5: key.elementsEqual("model".utf8)
        case 12: key.elementsEqual("tool_call_id".utf8)
        default: false
        }
    }
}
