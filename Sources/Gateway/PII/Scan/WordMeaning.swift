/// What a word can mean to the recognizers, in any of the languages.
struct WordMeaning: OptionSet, Sendable {
    let rawValue: UInt64
    init(rawValue: UInt64) { self.rawValue = rawValue }
    private init(bit: UInt64) { self.rawValue = 1 << bit }

    // Names.
    static let given = WordMeaning(bit: 0)
    static let surname = WordMeaning(bit: 1)
    static let city = WordMeaning(bit: 2)
    static let country = WordMeaning(bit: 3)
    static let region = WordMeaning(bit: 4)
    /// Nationalities, religions, political groups.
    static let nationality = WordMeaning(bit: 5)
    /// `GmbH`, `Ltd`: an organization's name ends here.
    static let companyForm = WordMeaning(bit: 6)
    /// `University`, `Banco`: part of an organization's name.
    static let organization = WordMeaning(bit: 7)
    static let month = WordMeaning(bit: 8)
    /// `Mr`, `Frau`, `Sayın`: a person follows.
    static let title = WordMeaning(bit: 9)
    /// Ordinary words: what begins sentences, and names that are words too.
    static let common = WordMeaning(bit: 10)
    static let particle = WordMeaning(bit: 11)
    /// `in`, `nach`, `à`: a place often follows.
    static let locative = WordMeaning(bit: 12)
    /// `named`, `patient`, `Kunde`: a person often follows.
    static let personCue = WordMeaning(bit: 13)
    /// `Street`, `rue`, `sokak`.
    static let street = WordMeaning(bit: 14)
    /// `lives`, `born`, `wohnt`: a place is spoken of.
    static let residence = WordMeaning(bit: 15)
    /// `de`, `van`, `von` within a name.
    static let nameParticle = WordMeaning(bit: 16)
    /// A given name that is frequent and hardly any other word.
    static let frequent = WordMeaning(bit: 17)
    /// A family name that is frequent and no other word.
    static let frequentSurname = WordMeaning(bit: 18)
    /// `Lake`, `Bad`, `San`: the name of a place begins.
    static let placeHead = WordMeaning(bit: 19)
    /// `Bey`, `様`, `씨`: a person stands before.
    static let honorific = WordMeaning(bit: 20)
    /// `said`, `works`: a person stands before.
    static let personVerb = WordMeaning(bit: 21)
    /// Company, product and other capitalised words that are neither people nor places.
    static let thing = WordMeaning(bit: 22)
    /// `Apt`, `Suite`, `No`, `Etage`: part of an address.
    static let unit = WordMeaning(bit: 23)

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
    /// A city so large that its name means it before any person.
    static let largeCity = WordMeaning(bit: 46)
    /// `Run`, `Hills`: a street's kind in the United States, an ordinary word elsewhere.
    static let streetSuffix = WordMeaning(bit: 47)

    // Function words by language, so that a text's language can be told.
    static let english = WordMeaning(bit: 50)
    static let german = WordMeaning(bit: 51)
    static let french = WordMeaning(bit: 52)
    static let spanish = WordMeaning(bit: 53)
    static let italian = WordMeaning(bit: 54)
    static let portuguese = WordMeaning(bit: 55)
    static let turkish = WordMeaning(bit: 56)
    static let languages: WordMeaning = [.english, .german, .french, .spanish, .italian, .portuguese, .turkish]

    static let anyPlace: WordMeaning = [.city, .country, .region]
}
