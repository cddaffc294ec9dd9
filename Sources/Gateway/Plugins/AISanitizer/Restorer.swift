import GatewayPII

/// Puts originals back where their replacements stand, in a text that may come in pieces.
///
/// Replacements are searched for in their order, byte by byte, so that the work at each place of a text grows with a replacement's length and the logarithm of their number.
struct Restorer: Sendable {
    private let originals: [[UInt8]]
    /// In the order of their bytes; the original of each has its place.
    private let replacements: [[UInt8]]
    /// Those that begin with each byte.
    private let starts: [Range<Int>]
    private let seesPlaceholders: Bool
    private(set) var restored = 0
    /// Replacements in the answer that stand for nothing any more: the model made one up, or mangled it.
    private(set) var unknown = 0
    /// Replacements looked at in ``edits(_:in:isFinal:)``: what it costs, whatever the machine.
    private(set) var steps = 0

    init(_ redaction: Redaction) {
        let entries = redaction.entries + redaction.parts
        self.init(entries.map { ($0.replacement, $0.original) }, seesPlaceholders: redaction.writesPlaceholders)
    }

    /// - Parameter pairs: what is searched for, and what it stands for; of those searched for twice the first counts.
    init(_ pairs: [(replacement: [UInt8], original: [UInt8])], seesPlaceholders: Bool = false) {
        let order = pairs.indices.filter { !pairs[$0].replacement.isEmpty }.sorted {
            let (a, b) = (pairs[$0].replacement, pairs[$1].replacement)
            return a == b ? $0 < $1 : a.lexicographicallyPrecedes(b)
        }
        self.replacements = order.map { pairs[$0].replacement }
        self.originals = order.map { pairs[$0].original }
        var starts = [Range<Int>](repeating: 0..<0, count: 256), begin = 0
        while begin < self.replacements.count {
            let first = self.replacements[begin][0]
            var end = begin
            while end < self.replacements.count, self.replacements[end][0] == first { end += 1 }
            starts[Int(first)] = begin..<end
            begin = end
        }
        self.starts = starts
        self.seesPlaceholders = seesPlaceholders
    }

    private enum Match {
        case none, open
        case known(entry: Int, end: Int)
        case unknown(end: Int)
    }

    /// The longest replacement at a place.
    private func match(_ text: UnsafeRawBufferPointer, at start: Int, isFinal: Bool, _ steps: inout Int) -> Match {
        var range = self.starts[Int(text[start])], end = start + 1
        var known: Match = .none
        while !range.isEmpty {
            if self.replacements[range.lowerBound].count == end - start {
                // PLACEHOLDER1 is not the beginning of PLACEHOLDER12, nor "Ana" of "Anatolia".
                if end == text.count ? isFinal : !(Self.isAlphanumeric(text[end - 1]) && Self.isAlphanumeric(text[end])) { known = .known(entry: range.lowerBound, end: end) }
            }
            if end == text.count {
                if isFinal { break }
                return .open
            }
            range = self.narrowed(range, depth: end - start, to: text[end], &steps)
            end += 1
        }
        if case .known = known { return known }
        guard self.seesPlaceholders else { return .none }
        switch Placeholder.read(text, at: start, isFinal: isFinal) {
        case .none: return .none
        case .open: return .open
        case .found(let end, _, _): return .unknown(end: end)
        }
    }

    /// Those of some replacements, alike before a depth, that have this byte there.
    private func narrowed(_ range: Range<Int>, depth: Int, to byte: UInt8, _ steps: inout Int) -> Range<Int> {
        // The last is the longest way from the first: where both have the byte, so have all between them.
        steps += 1
        if !self.isBefore(range.lowerBound, depth, byte, orAt: false), self.isBefore(range.upperBound - 1, depth, byte, orAt: true) { return range }
        let lower = self.partition(range, &steps) { self.isBefore($0, depth, byte, orAt: false) }
        return lower..<self.partition(lower..<range.upperBound, &steps) { self.isBefore($0, depth, byte, orAt: true) }
    }

    /// Whether a replacement has a lesser byte at a depth than this, or this one; one that ends before has the least.
    private func isBefore(_ index: Int, _ depth: Int, _ byte: UInt8, orAt: Bool) -> Bool {
        let replacement = self.replacements[index]
        return depth >= replacement.count || (orAt ? replacement[depth] <= byte : replacement[depth] < byte)
    }

    /// The first of a range that is not before.
    private func partition(_ range: Range<Int>, _ steps: inout Int, _ isBefore: (Int) -> Bool) -> Int {
        var lower = range.lowerBound, upper = range.upperBound
        while lower < upper {
            steps += 1
            let middle = lower + (upper - lower) / 2
            if isBefore(middle) { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 }

    /// What changes in a part of a text.
    ///
    /// - Parameter isFinal: nothing follows; otherwise an end that more text could make a replacement is left out.
    /// - Returns: the edits, and the end of what they were told from.
    mutating func edits(_ text: [UInt8], in part: Range<Int>, isFinal: Bool) -> (edits: [TextEdit], used: Int) {
        var edits: [TextEdit] = [], steps = 0
        let used = text.withUnsafeBytes { whole in
            let raw = UnsafeRawBufferPointer(rebasing: whole[part])
            var i = 0
            while i < raw.count {
                switch self.match(raw, at: i, isFinal: isFinal, &steps) {
                case .none: i += 1
                case .open: return i
                case .known(let entry, let end):
                    edits.append(TextEdit(range: (part.lowerBound + i)..<(part.lowerBound + end), replacement: self.originals[entry]))
                    self.restored += 1
                    i = end
                case .unknown(let end):
                    self.unknown += 1
                    i = end
                }
            }
            return i
        }
        self.steps += steps
        return (edits, part.lowerBound + used)
    }

    /// The text with originals in it, as far as it can be told, and how many of its bytes that used up.
    mutating func restore(_ text: [UInt8], isFinal: Bool) -> (text: [UInt8], used: Int) {
        let (edits, used) = self.edits(text, in: 0..<text.count, isFinal: isFinal)
        return (TextEdit.apply(edits, to: text, in: 0..<used), used)
    }

    /// The whole of a text with originals in it.
    mutating func restore(_ text: [UInt8], _ form: TextForm) -> [UInt8] {
        guard let opened = form.opened(text) else { return self.restore(text, isFinal: true).text }
        return opened.applying(self.edits(opened.text, in: 0..<opened.text.count, isFinal: true).edits).text
    }

    /// The beginning of a text that is JSON, in which originals are escaped; otherwise as ``restore(_:isFinal:)``.
    mutating func restoreJSON(_ text: [UInt8], isFinal: Bool) -> (text: [UInt8], used: Int) {
        let opened = OpenedText(text, isWhole: isFinal)
        let (edits, used) = self.edits(opened.text, in: 0..<opened.text.count, isFinal: isFinal)
        let (restored, written) = opened.applying(edits, upTo: used)
        return (restored, isFinal ? text.count : written)
    }

    /// Where replacements stand in a text, in order: there the client's own data will be, which no answer's redaction may touch.
    func occurrences(in text: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        text.withUnsafeBytes { raw in
            var i = 0, steps = 0
            while i < raw.count {
                if case .known(_, let end) = self.match(raw, at: i, isFinal: true, &steps) {
                    found.append(i..<end)
                    i = end
                } else {
                    i += 1
                }
            }
        }
        return found
    }
}
