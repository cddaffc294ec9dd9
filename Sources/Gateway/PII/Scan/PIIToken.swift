/// A word, a number, or a sign of a text.
struct PIIToken {
    enum Kind: UInt8 {
        /// Letters of alphabetic scripts.
        case word
        /// ASCII digits.
        case number
        /// ASCII letters and digits together.
        case mixed
        /// One run of kanji.
        case han
        case hiragana, katakana, hangul
        /// One sign that is no letter, digit or blank.
        case sign
        case lineBreak
    }

    struct Shape: OptionSet {
        let rawValue: UInt8
        /// Begins with a capital.
        static let capital = Shape(rawValue: 1)
        /// Two letters and more, all capital.
        static let allCapital = Shape(rawValue: 2)
        static let spaceBefore = Shape(rawValue: 4)
        /// First of its sentence, so that a capital says nothing.
        static let sentenceStart = Shape(rawValue: 8)
        static let hasNonASCII = Shape(rawValue: 16)
    }

    let start: Int32
    let end: Int32
    let kind: Kind
    var shape: Shape
    /// Of the folded letters; 0 for signs.
    let hash: UInt64
    var meaning: WordMeaning
    /// First byte of a sign, the last UTF-8 byte of one beyond ASCII mapped to its ASCII likeness; else 0.
    let sign: UInt8

    var range: Range<Int> { Int(self.start)..<Int(self.end) }
    var count: Int { Int(self.end - self.start) }
    var isCapital: Bool { self.shape.contains(.capital) }
}
