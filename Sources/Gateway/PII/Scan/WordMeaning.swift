/// What a word can mean to the recognizers, in any of the languages.
struct WordMeaning: OptionSet, Sendable {
    let rawValue: UInt64
    init(rawValue: UInt64) { self.rawValue = rawValue }
    private init(bit: UInt64) { self.rawValue = 1 << bit }

    static let month = WordMeaning(bit: 8)
    /// Ordinary words: what begins sentences, and names that are words too.
    static let common = WordMeaning(bit: 10)
    static let particle = WordMeaning(bit: 11)

    // Contexts of numbers and codes.
    static let phone = WordMeaning(bit: 24)
    static let card = WordMeaning(bit: 25)
    static let account = WordMeaning(bit: 26)
    static let passport = WordMeaning(bit: 27)
    static let license = WordMeaning(bit: 28)
    static let socialSecurity = WordMeaning(bit: 29)
    static let nationalID = WordMeaning(bit: 30)
    static let medical = WordMeaning(bit: 31)
    static let birth = WordMeaning(bit: 32)
    static let credential = WordMeaning(bit: 33)
    static let crypto = WordMeaning(bit: 34)
    static let routing = WordMeaning(bit: 35)
    static let tax = WordMeaning(bit: 36)
    static let version = WordMeaning(bit: 37)
    /// Numbers that are nobody's: orders, invoices, tracking.
    static let reference = WordMeaning(bit: 38)
    static let swift = WordMeaning(bit: 39)
    static let business = WordMeaning(bit: 40)
    static let driving = WordMeaning(bit: 41)
    static let insurance = WordMeaning(bit: 42)
    /// First word of a name of several.
    static let phraseStart = WordMeaning(bit: 44)
    static let number = WordMeaning(bit: 45)

}
