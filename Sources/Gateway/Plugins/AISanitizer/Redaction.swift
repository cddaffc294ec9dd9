import GatewayPII
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

    var writesPlaceholders: Bool { if case .placeholder = self.style { true } else { false } }

    /// The number the next redaction of the same exchange may begin with.
    var nextNumber: Int { if case .placeholder(let first) = self.style { first + self.entries.count } else { 1 } }

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
