/// Names of people and places and ordinary words, front-coded; where they come from stands in `SOURCES.md` beside this file.
enum NameTables {
    static let all: [(meaning: WordMeaning, table: StaticString)] = [
        ([.given, .frequent], Self.strongGiven), (.given, Self.given), ([.surname, .frequentSurname], Self.strongFamily), (.surname, Self.family), ([.city, .largeCity], Self.largeCities), (.city, Self.cities),
        (.country, Self.countries), (.region, Self.regions), (.common, Self.common), (.nationality, Self.nationalities), ([.surname, .frequentSurname], Self.frequentHan), (.surname, Self.familyHan), (.given, Self.givenHan),
        (.given, Self.givenKana), (.city, Self.placesHan), (.city, Self.placesKana), ([.given, .frequent], Self.frequentHangul), (.given, Self.givenHangul), (.common, Self.ordinaryHangul), (.city, Self.placesHangul),
    ]

    /// Calls `body` with every entry of a table.
    static func forEachEntry(_ table: StaticString, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        table.withUTF8Buffer { bytes in
            var word: [UInt8] = []
            var i = 0
            while i < bytes.count {
                guard PIIScan.isUpper(bytes[i]) else {
                    i += 1
                    continue
                }
                word.removeLast(max(0, word.count - Int(bytes[i] - 0x41)))
                i += 1
                while i < bytes.count, !PIIScan.isUpper(bytes[i]), bytes[i] > 0x20 {
                    word.append(bytes[i])
                    i += 1
                }
                word.withUnsafeBufferPointer { body($0) }
            }
        }
    }
}
