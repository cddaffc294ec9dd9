extension PIIScan {
    /// Bits of ``WordMeaning`` that say what a number is.
    static let cues: WordMeaning = [
        .phone, .card, .account, .passport, .license, .driving, .socialSecurity, .nationalID, .medical, .birth, .credential, .crypto, .routing, .tax, .version, .reference, .swift,
        .business, .insurance,
    ]

    /// What the words around a number say it is: those nearest before it, else those right behind it.
    func cue(_ index: Int) -> WordMeaning {
        var i = index - 1, cue: WordMeaning = [], nearest = -1
        let first = max(0, index - 9)
        while i >= first {
            let token = self.tokens[i]
            // Another number between takes the cue for itself; a sentence's end takes all.
            if token.kind == .lineBreak, i < index - 2 { break }
            if token.kind == .sign, token.sign == 0x3F || token.sign == 0x21 { break }
            if (token.kind == .number || token.kind == .mixed), token.count >= 6 { break }
            let found = token.meaning.intersection(Self.cues)
            if !found.isEmpty {
                if nearest < 0 { nearest = i }
                if nearest - i <= 3 { cue.formUnion(found) }
            } else if nearest >= 0, nearest - i > 3 {
                break
            }
            i -= 1
        }
        if nearest >= 0 { return cue }
        i = index + 1
        let last = min(self.tokens.count - 1, index + 5)
        while i <= last {
            let token = self.tokens[i]
            if token.kind == .lineBreak || (token.kind == .sign && [0x2E, 0x21, 0x3F, 0x3B].contains(token.sign)) { break }
            cue.formUnion(token.meaning.intersection(Self.cues))
            i += 1
        }
        return cue
    }

    /// The category a cue names for a number or code without a form of its own, and the number of characters it may have.
    static func category(_ cue: WordMeaning) -> (category: PIICategory, lengths: ClosedRange<Int>)? {
        if cue.contains(.passport) { return (.passport, 6...12) }
        if cue.contains(.driving) || cue.contains(.license) { return (.driverLicense, 5...20) }
        if cue.contains(.medical) || cue.contains(.insurance) { return (.medical, 5...20) }
        if cue.contains(.nationalID) { return (.nationalID, 6...20) }
        if cue.contains(.socialSecurity) { return (.ssn, 7...15) }
        if cue.contains(.routing) || cue.contains(.account) { return (.bank, 5...24) }
        if cue.contains(.tax) { return (.nationalID, 8...16) }
        return nil
    }
}
