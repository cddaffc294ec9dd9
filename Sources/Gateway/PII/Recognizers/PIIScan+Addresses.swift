extension PIIScan {
    /// Postal addresses: number and street in the order of each country, with unit, postal code, city and state where they follow.
    mutating func recognizeAddresses(_ lexicon: Lexicon) {
        guard self.categories.contains(.location) else { return }
        var covered = 0
        for index in self.tokens.indices where Int(self.tokens[index].start) >= covered {
            let token = self.tokens[index]
            var end: Int?
            if token.kind == .number || token.kind == .mixed {
                end = self.numberFirst(index) ?? self.postalCity(index)
            } else if token.kind == .word {
                if token.meaning.contains(.street) { end = self.streetFirst(index) }
                if end == nil, token.isCapital { end = self.streetLast(index) ?? self.cityState(index) }
            }
            if let end { covered = end }
        }
    }

    private func isSign(_ index: Int, _ sign: UInt8) -> Bool { index >= 0 && index < self.tokens.count && self.tokens[index].kind == .sign && self.tokens[index].sign == sign }
    private func isWord(_ index: Int) -> Bool { index < self.tokens.count && self.tokens[index].kind == .word }
    private func isNumber(_ index: Int) -> Bool { index < self.tokens.count && (self.tokens[index].kind == .number || (self.tokens[index].kind == .mixed && Self.isDigit(self.p[Int(self.tokens[index].start)]))) }

    /// `123 North Main Street Apt. 4`, `12, rue de la Paix`.
    private mutating func numberFirst(_ index: Int) -> Int? {
        let number = self.tokens[index]
        guard number.count <= 6, Self.isDigit(self.p[Int(number.start)]), !self.isSign(index - 1, 0x2E) else { return nil }
        var i = index + 1
        if self.isSign(i, 0x2C) { i += 1 }
        guard self.isWord(i) else { return nil }
        // The street's kind comes first: French.
        if self.tokens[i].meaning.contains(.street), self.tokens[i].count > 2, let last = self.streetName(i + 1) {
            return self.addAddress(from: index, last: last, isSure: true)
        }
        var words = 0
        while self.isWord(i), self.tokens[i].isCapital, words < 5 {
            let isKind = !self.tokens[i].meaning.isDisjoint(with: [.street, .streetSuffix])
            if words > 0, isKind, !(self.isWord(i + 1) && self.tokens[i + 1].isCapital && !self.tokens[i + 1].meaning.isDisjoint(with: [.street, .streetSuffix])) {
                return self.addAddress(from: index, last: self.isSign(i + 1, 0x2E) && self.tokens[i].count <= 4 ? i + 1 : i, isSure: true)
            }
            words += 1
            i += 1
        }
        return nil
    }

    /// The last token of a street's name of particles and capitalised words.
    private func streetName(_ first: Int) -> Int? {
        var i = first, last: Int?, words = 0
        while i < self.tokens.count, words < 7 {
            let token = self.tokens[i]
            if token.kind == .word, token.isCapital {
                last = i
            } else if token.kind == .word, token.meaning.contains(.nameParticle) || token.count <= 3 {
            } else if token.kind == .sign, token.sign == 0x27 || token.sign == 0x2D || token.sign == 0x2E, !token.shape.contains(.spaceBefore) {
            } else {
                break
            }
            words += 1
            i += 1
        }
        return last
    }

    /// `Calle Mayor 12`, `Via Garibaldi, 5`, `Rua das Flores, n.º 3`.
    private mutating func streetFirst(_ index: Int) -> Int? {
        guard index + 1 < self.tokens.count, self.tokens[index].count > 2 || self.isSign(index + 1, 0x2E) else { return nil }
        var i = index + 1
        if self.isSign(i, 0x2E) { i += 1 }
        guard let last = self.streetName(i) else { return nil }
        i = last + 1
        if self.isSign(i, 0x2C) { i += 1 }
        var isSure = false, end = last
        if self.isNumber(i), self.tokens[i].count <= 6 {
            isSure = true
            end = i
        } else if self.isWord(i), self.tokens[i].count <= 2, self.tokens[i].meaning.contains(.number) || self.matches(Int(self.tokens[i].start), "n"), let number = self.numberNear(i + 1) {
            isSure = true
            end = number
        }
        guard isSure || (self.tokens[index].isCapital && self.tokens[index].count > 2) else { return nil }
        return self.addAddress(from: index, last: end, isSure: isSure)
    }

    private func numberNear(_ index: Int) -> Int? {
        var i = index
        while i < index + 3, i < self.tokens.count {
            if self.isNumber(i) { return i }
            guard self.tokens[i].kind == .sign || self.tokens[i].count <= 2 else { return nil }
            i += 1
        }
        return nil
    }

    private static let germanStreets: [StaticString] = ["straße", "strasse", "str", "weg", "allee", "gasse", "platz", "damm", "ufer", "ring"]

    /// `Müllerstraße 12`, `Berliner Allee 3`, `Gül Sokak No: 5`.
    private mutating func streetLast(_ index: Int) -> Int? {
        let token = self.tokens[index]
        let isOneWord = token.count >= 7 && Self.germanStreets.contains { self.endsWith(Int(token.end), $0) }
        var last = index
        if !isOneWord {
            // Words before the street's kind.
            var i = index + 1, words = 1
            while i < self.tokens.count, words < 7 {
                let next = self.tokens[i]
                if next.kind == .sign, next.sign == 0x2D, !next.shape.contains(.spaceBefore) {
                    i += 1
                    continue
                }
                guard next.kind == .word, next.isCapital else { break }
                if next.meaning.contains(.street), next.count > 2 { last = i }
                words += 1
                i += 1
            }
            guard last > index else { return nil }
        }
        var i = last + 1
        if self.isSign(i, 0x2E) { i += 1 }
        if self.isSign(i, 0x2C) { i += 1 }
        if self.isWord(i), self.tokens[i].meaning.contains(.unit), let number = self.numberNear(i + 1) { return self.addAddress(from: index, last: number, isSure: true) }
        guard self.isNumber(i), self.tokens[i].count <= 5, self.tokens[i].shape.contains(.spaceBefore) else {
            return isOneWord ? self.addAddress(from: index, last: last, isSure: false) : nil
        }
        // 8-7, 12/3
        while self.isSign(i + 1, 0x2D) || self.isSign(i + 1, 0x2F), self.isNumber(i + 2), !self.tokens[i + 2].shape.contains(.spaceBefore) { i += 2 }
        return self.addAddress(from: index, last: i, isSure: true)
    }

    /// `Springfield, IL 62704`.
    private mutating func cityState(_ index: Int) -> Int? {
        var i = index
        while self.isWord(i), self.tokens[i].isCapital, i - index < 4 { i += 1 }
        guard self.isSign(i, 0x2C), self.isWord(i + 1), self.tokens[i + 1].count == 2, self.tokens[i + 1].shape.contains(.allCapital), self.isNumber(i + 2), self.tokens[i + 2].count == 5 else { return nil }
        var first = index
        while first < i - 1, self.tokens[first].meaning.contains(.common), !self.tokens[first].meaning.contains(.placeHead) { first += 1 }
        let end = self.endOfZip(i + 2)
        self.add(Int(self.tokens[first].start)..<end, .location, 88)
        return end
    }

    private func endOfZip(_ index: Int) -> Int {
        var end = Int(self.tokens[index].end)
        if self.isSign(index + 1, 0x2D), self.isNumber(index + 2), Int(self.tokens[index + 1].start) == end { end = Int(self.tokens[index + 2].end) }
        return end
    }

    /// `75001 Paris`, `4000-123 Porto`: a postal code and a city.
    private mutating func postalCity(_ index: Int) -> Int? {
        guard let (city, isKnown) = self.postal(index) else { return nil }
        let isApart = index == 0 || self.tokens[index - 1].kind == .lineBreak || self.tokens[index - 1].sign == 0x2C || self.tokens[index - 1].meaning.contains(.residence)
        guard isKnown || isApart, !self.tokens[index - (index > 0 ? 1 : 0)].meaning.contains(.reference) else { return nil }
        let end = Int(self.tokens[city].end)
        self.add(Int(self.tokens[index].start)..<end, .location, isKnown ? 84 : 66)
        return end
    }

    /// The last token of the city behind a postal code, and whether it is one we know.
    private func postal(_ index: Int) -> (Int, Bool)? {
        guard index < self.tokens.count, self.tokens[index].kind == .number else { return nil }
        var i = index + 1
        if self.tokens[index].count == 5 || self.tokens[index].count == 4, self.isSign(i, 0x2D), self.isNumber(i + 1), self.tokens[i + 1].count == 3 {
            i += 2
        } else if self.tokens[index].count != 5 {
            return nil
        }
        if self.isSign(i, 0x2C) { i += 1 }
        guard self.isWord(i), self.tokens[i].isCapital, self.tokens[i].shape.contains(.spaceBefore), self.tokens[i].meaning.isDisjoint(with: [.month, .thing]) else { return nil }
        var last = i, isKnown = !self.tokens[i].meaning.isDisjoint(with: [.city, .placeHead, .region])
        while i - index < 9, i < self.tokens.count {
            let token = self.tokens[i]
            if token.kind == .word, token.isCapital {
                last = i
                if !token.meaning.isDisjoint(with: .anyPlace) { isKnown = true }
            } else if !(token.kind == .sign && (token.sign == 0x2D || token.sign == 0x27) && !token.shape.contains(.spaceBefore))
                && !(token.kind == .word && (token.meaning.contains(.nameParticle) || (token.count <= 4 && self.isSign(i - 1, 0x2D)))) {
                break
            }
            i += 1
        }
        return (last, isKnown)
    }

    /// Adds an address with what follows of it: unit, postal code, city, state.
    private mutating func addAddress(from first: Int, last: Int, isSure: Bool) -> Int {
        var end = last, i = last + 1, steps = 0
        while isSure, i < self.tokens.count, steps < 6 {
            var j = i
            if self.isSign(j, 0x2C) || self.tokens[j].kind == .lineBreak || self.isSign(j, 0x2D) || self.isSign(j, 0x2F) { j += 1 }
            guard j < self.tokens.count else { break }
            if let found = self.unit(j) ?? self.cityAndCode(j) ?? self.postal(j).map({ self.behindProvince($0.0) }) {
                end = found
                i = found + 1
            } else if j == i, self.isNumber(j), self.tokens[j].count <= 3, self.isSign(j - 1, 0x2F) || self.isSign(j - 1, 0x2D) {
                end = j
                i = j + 1
            } else {
                break
            }
            steps += 1
        }
        let to = Int(self.tokens[end].end)
        self.add(Int(self.tokens[first].start)..<to, .location, isSure ? 95 : 67)
        return to
    }

    /// `Cisliano (MI)`, `Porto / RS`.
    private func behindProvince(_ city: Int) -> Int {
        guard self.isSign(city + 1, 0x28) || self.isSign(city + 1, 0x2F), self.isWord(city + 2), self.tokens[city + 2].count == 2, self.tokens[city + 2].shape.contains(.allCapital) else { return city }
        return self.isSign(city + 3, 0x29) ? city + 3 : city + 2
    }

    /// `Apt. 4`, `Suite 200`, `piso 3`.
    private func unit(_ index: Int) -> Int? {
        guard self.isWord(index), self.tokens[index].meaning.contains(.unit) else { return nil }
        var i = index + 1
        if self.isSign(i, 0x2E) { i += 1 }
        if self.isSign(i, 0x3A) { i += 1 }
        return self.isNumber(i) ? i : nil
    }

    /// `Springfield, IL 62704`, `Porto / RS`, `Milano (MI)`.
    private func cityAndCode(_ index: Int) -> Int? {
        var i = index
        while self.isWord(i), self.tokens[i].isCapital, i - index < 4 { i += 1 }
        guard i > index else { return nil }
        var j = i
        if self.isSign(j, 0x2C) || self.isSign(j, 0x2F) || self.isSign(j, 0x28) || self.isSign(j, 0x2D) { j += 1 }
        if self.isWord(j), self.tokens[j].count == 2, self.tokens[j].shape.contains(.allCapital) {
            if self.isNumber(j + 1), self.tokens[j + 1].count == 5 { return self.isSign(j + 2, 0x2D) && self.isNumber(j + 3) ? j + 3 : j + 1 }
            return j > i ? self.isSign(j + 1, 0x29) ? j + 1 : j : nil
        }
        // Spain: Zamora, 19311
        if self.isSign(i, 0x2C), self.isNumber(i + 1), self.tokens[i + 1].count == 5 { return i + 1 }
        let known = self.tokens[index].meaning
        return known.isDisjoint(with: [.city, .region]) ? nil : i - 1
    }
}
