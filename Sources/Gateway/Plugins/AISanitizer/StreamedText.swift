/// The part of a growing text that has not been given out, with what stood before it.
///
/// Windows are cut where sentences end and only once enough text follows, so that where events are cut makes no difference to what is found.
struct StreamedText: Sendable {
    /// Whether the text is JSON, in which what is put in is escaped.
    let isJSON: Bool
    private var bytes: [UInt8] = []
    /// Bytes given out stay until they are many: moving what is behind them each time would take the square of an event's length.
    private var start = 0
    var pending: [UInt8] { self.start == 0 ? self.bytes : Array(self.bytes[self.start...]) }
    var count: Int { self.bytes.count - self.start }
    /// The end of what was given out, as the model said it: words that explain a number may stand there.
    private(set) var context: [UInt8] = []

    /// Text that has to follow a window's end: what looks like one sentence's end may be an abbreviation's, and names go on.
    private static let lookahead = 96
    /// A sentence longer than this is cut at a blank.
    private static let longest = 1_024
    private static let contextBytes = 160

    init(isJSON: Bool = false) { self.isJSON = isJSON }

    mutating func append(_ text: [UInt8]) {
        if self.start > 0, self.bytes.count < 4_096 || self.start > self.bytes.count / 2 {
            self.bytes.removeFirst(self.start)
            self.start = 0
        }
        self.bytes += text
    }

    mutating func drop(_ count: Int) { self.start += count }

    /// Takes the beginning of what is pending.
    mutating func take(_ count: Int) -> [UInt8] {
        let taken = self.beginning(count)
        self.context = (self.context + taken.suffix(Self.contextBytes)).suffix(Self.contextBytes)
        while let first = self.context.first, first & 0xC0 == 0x80 { self.context.removeFirst() }
        self.start += count
        return taken
    }

    /// Context and pending text up to an offset of the latter.
    func looked(_ end: Int) -> [UInt8] { self.context + self.beginning(end) }
    /// So many of the pending bytes.
    func beginning(_ count: Int) -> [UInt8] { Array(self.bytes[self.start..<(self.start + count)]) }

    /// Where the next window may be cut, and how far the text may be looked at for it; nil: more text has to come.
    func window(isFinal: Bool) -> (cut: Int, end: Int)? {
        guard self.count > 0 else { return nil }
        var i = 0, blank = 0
        while i < self.count, i < Self.longest {
            i += 1
            if self.byte(i - 1) <= 0x20 { blank = i }
            if self.isSentenceEnd(i), let end = self.end(i, isFinal: isFinal) { return (i, end) }
        }
        if i == Self.longest, let end = self.end(i, isFinal: isFinal) { return (blank > Self.longest / 2 ? blank : self.boundary(i), end) }
        return isFinal ? (self.count, self.count) : nil
    }

    private func byte(_ offset: Int) -> UInt8 { self.bytes[self.start + offset] }

    /// A window's text goes so far behind its cut; nil: not enough is there.
    private func end(_ cut: Int, isFinal: Bool) -> Int? {
        let end = cut + Self.lookahead
        if end <= self.count { return self.boundary(end) }
        return isFinal ? self.count : nil
    }

    /// The nearest beginning of a character at or before an offset.
    private func boundary(_ offset: Int) -> Int {
        var i = offset
        while i < self.count, i > 0, self.byte(i) & 0xC0 == 0x80 { i -= 1 }
        return i
    }

    /// Whether a sentence ends before an offset: a line break, a full stop with a blank behind it, or an East Asian one.
    private func isSentenceEnd(_ offset: Int) -> Bool {
        let last = self.byte(offset - 1)
        if last == 0x0A { return true }
        if last <= 0x20, offset >= 2, [0x2E, 0x21, 0x3F].contains(self.byte(offset - 2)) { return true }
        guard offset >= 3, last == 0x82 || last == 0x81 || last == 0x9F else { return false }
        let first = self.byte(offset - 3), second = self.byte(offset - 2)
        return (first == 0xE3 && second == 0x80 && last == 0x82) || (first == 0xEF && second == 0xBC && (last == 0x81 || last == 0x9F))
    }
}
