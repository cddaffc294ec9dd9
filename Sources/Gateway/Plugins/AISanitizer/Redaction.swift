import GatewayPII
import GatewayWire
import NIOCore

/// What one request or answer replaced, and by what: the same original always by the same replacement.
struct Redaction: Sendable {
    /// How originals are replaced.
    enum Style: Sendable {
        /// `PLACEHOLDER1`, `PLACEHOLDER2`, …, beginning with a number beyond any the client itself wrote.
        case placeholder(first: Int)
        /// Values of the same kind and form; the seed keeps them from being the same everywhere.
        case synthetic(seed: UInt64)
    }

    struct Entry: Sendable {
        let original: [UInt8]
        let replacement: [UInt8]
        let category: PIICategory
    }

    private(set) var entries: [Entry] = []
    /// Parts of names that a model may use alone: the family name of a synthetic person. Only for restoring.
    private(set) var parts: [Entry] = []
    private var numbers: [[UInt8]: Int] = [:]
    private var taken: Set<[UInt8]> = []
    let style: Style

    init(_ style: Style = .placeholder(first: 1)) { self.style = style }

    /// A number no placeholder in these bytes has.
    static func firstFree(in bytes: ByteBuffer) -> Int {
        var highest = 0
        bytes.withUnsafeReadableBytes { raw in
            var i = 0
            while i < raw.count {
                if case .found(let end, let number, true) = Placeholder.read(raw, at: i, isFinal: true) {
                    highest = max(highest, number)
                    i = end
                } else {
                    i += 1
                }
            }
        }
        return highest + 1
    }

    /// The number the next redaction of the same exchange may begin with.
    var nextNumber: Int { if case .placeholder(let first) = self.style { first + self.entries.count } else { 1 } }

    /// The text with replacements in it.
    ///
    /// - Parameter spans: in order, none overlapping another.
    mutating func redact(_ text: [UInt8], _ spans: [PIISpan]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var position = 0
        for span in spans {
            output += text[position..<span.range.lowerBound]
            output += self.replacement(for: Array(text[span.range]), span.category)
            position = span.range.upperBound
        }
        return output + text[position...]
    }

    mutating func replacement(for original: [UInt8], _ category: PIICategory) -> [UInt8] {
        if let number = self.numbers[original] { return self.entries[number].replacement }
        let replacement: [UInt8]
        switch self.style {
        case .placeholder(let first): replacement = Array("PLACEHOLDER\(first + self.entries.count)".utf8)
        case .synthetic(let seed): replacement = self.synthetic(original, category, seed)
        }
        self.add(Entry(original: original, replacement: replacement, category: category))
        return replacement
    }

    /// Notes a replacement somebody else made.
    mutating func add(_ entry: Entry) {
        guard self.numbers[entry.original] == nil else { return }
        self.numbers[entry.original] = self.entries.count
        self.taken.insert(entry.replacement)
        self.entries.append(entry)
        if case .synthetic = self.style, entry.category == .person { self.addParts(entry) }
    }

    private mutating func synthetic(_ original: [UInt8], _ category: PIICategory, _ seed: UInt64) -> [UInt8] {
        var attempt = 0
        while attempt < 64 {
            let value = SyntheticValue.make(category, original, index: self.entries.count + 1, attempt: attempt, seed: seed)
            if value != original, !self.taken.contains(value), self.numbers[value] == nil { return value }
            attempt += 1
        }
        return Array("PLACEHOLDER\(self.entries.count + 1)".utf8)
    }

    /// `Maria Silva` for `Ana Souza`: `Silva` alone stands for `Souza`.
    private mutating func addParts(_ entry: Entry) {
        let originals = entry.original.split(separator: 0x20), replacements = entry.replacement.split(separator: 0x20)
        guard originals.count == replacements.count, originals.count > 1 else { return }
        for (original, replacement) in zip(originals, replacements) where replacement.count >= 3 {
            let part = Entry(original: Array(original), replacement: Array(replacement), category: .person)
            if self.taken.insert(part.replacement).inserted { self.parts.append(part) }
        }
    }
}

/// Finding placeholders, and what was one before a model mangled it.
enum Placeholder {
    enum Reading {
        case none
        /// More text could make it one.
        case open
        /// - exact: written as this gateway writes them.
        case found(end: Int, number: Int, exact: Bool)
    }

    private static let word: StaticString = "PLACEHOLDER"

    /// Reads a placeholder at an offset in any case, with a blank, hyphen or underscore before its number; one of more than nine digits is none.
    static func read(_ text: UnsafeRawBufferPointer, at start: Int, isFinal: Bool) -> Reading {
        guard text[start] | 0x20 == 0x70 else { return .none }
        var i = start, exact = true, letters = 0
        while letters < self.word.utf8CodeUnitCount {
            guard i < text.count else { return isFinal ? .none : .open }
            if text[i] != self.word.utf8Start[letters] {
                guard text[i] == self.word.utf8Start[letters] | 0x20 else { return .none }
                exact = false
            }
            letters += 1
            i += 1
        }
        guard i < text.count else { return isFinal ? .none : .open }
        if text[i] == 0x20 || text[i] == 0x2D || text[i] == 0x5F {
            exact = false
            i += 1
            guard i < text.count else { return isFinal ? .none : .open }
        }
        let digits = i
        var number = 0
        while i < text.count, text[i] &- 0x30 < 10 {
            guard i - digits < 9 else { return .none }
            number = number * 10 + Int(text[i] - 0x30)
            i += 1
        }
        if i == digits { return .none }
        return i == text.count && !isFinal ? .open : .found(end: i, number: number, exact: exact)
    }
}

/// Puts originals back where their replacements stand, in a text that may come in pieces.
struct Restorer: Sendable {
    private let entries: [Redaction.Entry]
    /// Entries by the first byte of their replacement, the longest first.
    private let starts: [[Int]]
    private let seesPlaceholders: Bool
    private(set) var restored = 0
    /// Replacements in the answer that stand for nothing any more: the model made one up, or mangled it.
    private(set) var unknown = 0
    /// Placeholder numbers that are not the model's: those an answer's own redaction wrote are no misses.
    private let count: Int

    init(_ redaction: Redaction) {
        self.entries = redaction.entries + redaction.parts
        self.count = redaction.entries.count
        var starts = [[Int]](repeating: [], count: 256)
        for (index, entry) in self.entries.enumerated() where !entry.replacement.isEmpty { starts[Int(entry.replacement[0])].append(index) }
        let entries = self.entries
        self.starts = starts.map { list in list.count < 2 ? list : list.sorted { entries[$0].replacement.count > entries[$1].replacement.count } }
        if case .placeholder = redaction.style { self.seesPlaceholders = true } else { self.seesPlaceholders = false }
    }

    private enum Match {
        case none, open
        case known(entry: Int, end: Int)
        case unknown(end: Int)
    }

    private func match(_ text: UnsafeRawBufferPointer, at start: Int, isFinal: Bool) -> Match {
        for index in self.starts[Int(text[start])] {
            let replacement = self.entries[index].replacement
            var k = 1
            while k < replacement.count, start + k < text.count, text[start + k] == replacement[k] { k += 1 }
            if k < replacement.count {
                if start + k == text.count, !isFinal { return .open }
                continue
            }
            let end = start + k
            if end == text.count { return isFinal ? .known(entry: index, end: end) : .open }
            // PLACEHOLDER1 is not the beginning of PLACEHOLDER12, nor "Ana" of "Anatolia".
            if Self.isAlphanumeric(replacement[k - 1]), Self.isAlphanumeric(text[end]) { continue }
            return .known(entry: index, end: end)
        }
        guard self.seesPlaceholders else { return .none }
        switch Placeholder.read(text, at: start, isFinal: isFinal) {
        case .none: return .none
        case .open: return .open
        case .found(let end, _, _): return .unknown(end: end)
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 }

    /// The text with originals in it, as far as it can be told.
    ///
    /// - Parameters:
    ///   - isFinal: nothing follows; otherwise an end that more text could make a replacement is left out.
    ///   - isJSON: the text is JSON itself (tool arguments), so that originals are escaped once more.
    /// - Returns: what it is, and how many bytes of the text that used up.
    mutating func restore(_ text: [UInt8], isFinal: Bool, isJSON: Bool) -> (text: [UInt8], used: Int) {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        let used = text.withUnsafeBytes { raw in
            var i = 0
            while i < raw.count {
                switch self.match(raw, at: i, isFinal: isFinal) {
                case .none:
                    output.append(raw[i])
                    i += 1
                case .open: return i
                case .known(let entry, let end):
                    let original = self.entries[entry].original
                    output += isJSON ? Self.escaped(original) : original
                    self.restored += 1
                    i = end
                case .unknown(let end):
                    output += raw[i..<end]
                    self.unknown += 1
                    i = end
                }
            }
            return i
        }
        return (output, used)
    }

    /// Where replacements stand in a text: there the client's own data will be, which no answer's redaction may touch.
    func occurrences(in text: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        text.withUnsafeBytes { raw in
            var i = 0
            while i < raw.count {
                if case .known(_, let end) = self.match(raw, at: i, isFinal: true) {
                    found.append(i..<end)
                    i = end
                } else {
                    i += 1
                }
            }
        }
        return found
    }

    private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: bytes.count + 8)
        writer.string(ByteBuffer(bytes: bytes))
        return Array(writer.buffer.readableBytesView.dropFirst().dropLast())
    }
}
