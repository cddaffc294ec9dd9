extension PIIScan {
    /// Japanese names: people by family and given names and by what they are called with, places by their endings, companies by their form.
    mutating func recognizeJapanese(_ lexicon: Lexicon) {
        var covered = 0
        for index in self.tokens.indices {
            let token = self.tokens[index]
            guard token.kind == .han || token.kind == .katakana || token.kind == .hiragana, Int(token.start) >= covered else { continue }
            if token.kind == .han, let end = self.japaneseAddress(index, lexicon) {
                covered = end
                continue
            }
            if self.categories.contains(.organization) { self.japaneseCompany(index) }
            if token.kind == .han { self.japanesePerson(index, lexicon) }
            if token.kind == .katakana { self.katakanaName(index, lexicon) }
            self.japanesePlace(index, lexicon)
        }
    }

    /// Number of characters of a run of three-byte ones.
    private func characters(_ token: PIIToken) -> Int { token.count / 3 }
    private func means(_ start: Int, _ characters: Int, _ lexicon: Lexicon) -> WordMeaning { lexicon.meaning(self.hash(start..<(start + characters * 3))) }

    /// Whether these bytes stand at an offset.
    private func has(_ offset: Int, _ text: StaticString) -> Bool { self.matchesExactly(offset, text) }
    private func has(_ offset: Int, anyOf texts: [StaticString]) -> StaticString? { texts.first { self.matchesExactly(offset, $0) } }

    private static let honorifics: [StaticString] = [
        "様", "さん", "さま", "氏", "くん", "君", "ちゃん", "先生", "殿", "社長", "部長", "課長", "係長", "教授", "医師", "選手", "議員", "主任", "店長", "院長", "弁護士", "看護師", "先輩", "女史", "専務", "常務",
    ]
    /// What may directly follow a name in kanji.
    private static let afterNames: [StaticString] = ["宛", "名義", "本人", "夫妻", "容疑者", "被告", "監督", "首相", "大臣", "知事", "会長", "理事", "次長", "室長", "代表", "担当", "名刺", "家族", "宅"]

    // MARK: People

    private mutating func japanesePerson(_ index: Int, _ lexicon: Lexicon) {
        guard self.categories.contains(.person) else { return }
        let token = self.tokens[index]
        let start = Int(token.start), end = Int(token.end), total = self.characters(token)
        for length in stride(from: min(4, total), through: 1, by: -1) where self.means(start, length, lexicon).contains(.surname) {
            let rest = start + length * 3
            if let (to, score) = self.givenPart(rest, end, index, length, lexicon) { return self.add(start..<to, .person, score) }
        }
        // A name the dictionary lacks, called by an honorific: 桝添様.
        if total <= 4, index + 1 <= self.tokens.count, let honorific = self.has(end, anyOf: ["様", "さん", "さま", "くん", "ちゃん", "氏", "殿"]), honorific.utf8CodeUnitCount >= 3, self.byte(end) == 0xE3, total >= 2,
            !self.tokens[index].meaning.contains(.common), !self.isEveryday(start..<end) {
            self.add(start..<end, .person, 68)
        }
    }

    /// Words that take さん without being names.
    private static let everyday: Set<UInt64> = Set(
        ["皆", "皆様", "皆々", "客", "お客", "患者", "業者", "奥", "娘", "息子", "母", "父", "兄", "姉", "叔父", "叔母", "赤", "看護婦", "店員", "隣", "王", "神", "仏", "店", "本屋", "医者", "職員", "運転手", "利用者", "担当者", "会員", "顧客", "学生", "旦那", "花屋", "魚屋"]
            .map { LetterFold.hash($0) })
    private func isEveryday(_ range: Range<Int>) -> Bool { Self.everyday.contains(self.hash(range)) }

    /// What follows a family name of so many characters: a given name, or what people are called with.
    private func givenPart(_ rest: Int, _ end: Int, _ index: Int, _ surname: Int, _ lexicon: Lexicon) -> (Int, UInt8)? {
        if rest == end {
            if let given = self.givenToken(index + 1, isApart: false, lexicon) { return (given, 90) }
            if surname >= 2, self.has(end, anyOf: Self.honorifics) != nil { return (end, 89) }
            if surname >= 2, self.means(rest - surname * 3, surname, lexicon).contains(.frequentSurname), self.has(end, anyOf: ["です", "が", "は", "も", "と申"]) != nil { return (end, 64) }
            if surname == 1, self.has(end, anyOf: ["様", "さん", "くん", "氏", "先生"]) != nil, !self.isEveryday((rest - 3)..<rest) { return (end, 82) }
            return nil
        }
        if self.has(rest, anyOf: Self.honorifics) != nil, surname >= 2 || self.has(rest, anyOf: ["様", "氏", "君", "先生"]) != nil { return (rest, 88) }
        let left = (end - rest) / 3
        for length in stride(from: min(3, left), through: 1, by: -1) where self.means(rest, length, lexicon).contains(.given) {
            let to = rest + length * 3
            if length == left {
                if surname + length < 3, self.has(end, anyOf: Self.honorifics) == nil { return surname + length == 2 && surname == 1 ? nil : (to, 64) }
                return (to, surname == 1 && length == 1 ? 60 : 91)
            }
            if self.has(to, anyOf: Self.honorifics) != nil || self.has(to, anyOf: Self.afterNames) != nil { return (to, 90) }
        }
        // An unknown given name that ends as they do.
        if left <= 3, left >= 2, surname >= 2, self.has(end - 3, anyOf: ["子", "美", "郎", "介", "人", "也", "恵", "香", "奈", "代", "江", "一", "二", "三", "男", "夫", "雄", "彦", "樹", "平", "太", "輔", "司", "希"]) != nil { return (end, 74) }
        return nil
    }

    /// The end of a given name that is a token of its own: behind a blank, or in kana.
    private func givenToken(_ index: Int, isApart: Bool, _ lexicon: Lexicon) -> Int? {
        guard index < self.tokens.count else { return nil }
        let token = self.tokens[index]
        guard token.kind == .han || token.kind == .hiragana || token.kind == .katakana else { return nil }
        let start = Int(token.start), total = self.characters(token)
        let isApart = token.shape.contains(.spaceBefore)
        guard isApart || token.kind != .han else { return nil }
        let longest = min(token.kind == .han ? 3 : 5, total)
        for length in stride(from: longest, through: 1, by: -1) where self.means(start, length, lexicon).contains(.given) {
            let to = start + length * 3
            if length == total || self.has(to, anyOf: Self.honorifics) != nil || self.has(to, anyOf: Self.afterNames) != nil { return to }
            // The particle behind a name in hiragana belongs to its run.
            if token.kind == .hiragana, length >= 2, self.has(to, anyOf: ["は", "が", "を", "に", "の", "と", "も", "へ", "で"]) != nil { return to }
        }
        if isApart, token.kind == .han, total <= 3 { return Int(token.end) }
        return nil
    }

    private mutating func katakanaName(_ index: Int, _ lexicon: Lexicon) {
        guard self.categories.contains(.person) else { return }
        let token = self.tokens[index]
        let start = Int(token.start), end = Int(token.end)
        var parts = 0, known = 0, i = start, part = start
        while i <= end {
            if i == end || self.has(i, "・") {
                if i > part {
                    parts += 1
                    if lexicon.meaning(self.hash(part..<i)).contains(.given) { known += 1 }
                }
                part = i + 3
            }
            i += 3
        }
        let isCalled = self.has(end, anyOf: ["さん", "様", "氏", "くん", "ちゃん", "先生", "社長", "部長", "教授", "選手"]) != nil
        if parts >= 2, parts <= 4, known > 0 || isCalled { return self.add(start..<end, .person, 86) }
        if parts == 1, isCalled, known > 0 || token.count >= 9 { self.add(start..<end, .person, 76) }
    }

    // MARK: Places

    private static let divisions: [StaticString] = ["都", "道", "府", "県", "市", "区", "町", "村", "郡"]
    private static let prefectures: [StaticString] = [
        "北海道", "東京都", "京都府", "大阪府", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県", "埼玉県", "千葉県", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県",
        "三重県", "滋賀県", "兵庫県", "奈良県", "和歌山県", "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県", "福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
    ]

    /// An address from its prefecture or city on: `神奈川県横浜市港北区日吉4-1-1`.
    private mutating func japaneseAddress(_ index: Int, _ lexicon: Lexicon) -> Int? {
        guard self.categories.contains(.location) else { return nil }
        let token = self.tokens[index]
        let start = Int(token.start)
        var i = start
        if let prefecture = self.has(start, anyOf: Self.prefectures) { i += prefecture.utf8CodeUnitCount }
        let afterPrefecture = i
        // Cities, wards, towns.
        var parts = 0
        while parts < 4, let next = self.division(i, Int(token.end), lexicon, isInside: i > start) {
            i = next
            parts += 1
        }
        guard i > afterPrefecture || afterPrefecture > start else { return nil }
        let end = self.endOfBlock(i, index)
        self.add(start..<end, .location, end > i ? 93 : 88)
        return end
    }

    /// Behind the next division: a stem and its ending.
    private func division(_ start: Int, _ end: Int, _ lexicon: Lexicon, isInside: Bool) -> Int? {
        for length in 1...5 {
            let at = start + length * 3
            guard at < end else { return nil }
            guard self.has(at, anyOf: Self.divisions) != nil else { continue }
            if isInside { return at + 3 }
            if self.means(start, length, lexicon).contains(.city), !self.means(start, length + 1, lexicon).contains(.surname) { return at + 3 }
            // An unknown city or ward that the word ends with.
            let isUrban = self.has(at, anyOf: ["市", "区", "郡"]) != nil
            if isUrban, length >= 2, length <= 4, at + 3 == end || self.has(at, "郡") || self.has(at + 3, "内"), !Self.noCities.contains(self.hash(start..<(at + 3))) { return at + 3 }
        }
        return nil
    }

    private static let noCities: Set<UInt64> = Set(["大都市", "政令市", "選挙区", "地方都市", "中核市", "全地区", "各地区", "主要都市", "姉妹都市"].map { LetterFold.hash($0) })

    /// Behind town, block and house: han, kana, digits and what parts them, once digits are among it.
    private func endOfBlock(_ start: Int, _ index: Int) -> Int {
        var i = start, last = start, steps = 0, hasDigits = false
        var token = index
        while token < self.tokens.count, steps < 16 {
            let next = self.tokens[token]
            steps += 1
            if Int(next.end) <= start {
                token += 1
                continue
            }
            if next.shape.contains(.spaceBefore), Int(next.start) > start {
                // A building behind a blank: letters and then a number.
                guard hasDigits, next.kind == .katakana || next.kind == .han, token + 1 < self.tokens.count, self.tokens[token + 1].kind == .number || self.tokens[token + 1].kind == .han else { break }
            }
            switch next.kind {
            case .han, .katakana: i = Int(next.end)
            case .number:
                hasDigits = true
                i = Int(next.end)
            case .sign where next.sign == 0x2D && hasDigits: i = Int(next.end)
            case .hiragana where next.count == 3 && !hasDigits && self.has(Int(next.start), anyOf: ["の", "が"]) != nil && token + 2 < self.tokens.count && self.tokens[token + 1].kind == .han && self.tokens[token + 2].kind == .number:
                i = Int(next.end)
            default: token = self.tokens.count
            }
            if hasDigits { last = i }
            token += 1
        }
        return last
    }

    private static let afterPlaces: [StaticString] = [
        "出身", "在住", "支店", "支社", "本社", "駅", "行", "発", "着", "方面", "周辺", "出張", "旅行", "空港", "市内", "都内", "県内", "国内", "市", "県", "府", "都", "区", "町", "村", "州", "工場", "営業所", "事務所", "勤務", "産", "便",
    ]

    private mutating func japanesePlace(_ index: Int, _ lexicon: Lexicon) {
        let token = self.tokens[index]
        let start = Int(token.start), end = Int(token.end), total = self.characters(token)
        guard token.kind != .hiragana || total >= 3 else { return }
        for length in stride(from: min(14, total), through: 2, by: -1) {
            let meaning = self.means(start, length, lexicon)
            guard meaning.contains(.city) else { continue }
            let to = start + length * 3
            if self.has(to, "人"), !self.has(to, "人口") { return self.add(start..<(to + 3), .nrp, 82) }
            if to == end {
                // A family name as well: a particle of place says which.
                let isCalled = self.has(end, anyOf: Self.honorifics) != nil
                if isCalled { return }
                let isPlaced = self.has(end, anyOf: ["に", "で", "へ", "から", "まで", "駅", "の"]) != nil
                if meaning.contains(.surname), !isPlaced {
                    if meaning.contains(.frequentSurname), self.has(end, anyOf: ["です", "が", "は", "も", "、", "。", "と"]) != nil { return self.add(start..<to, .person, 63) }
                    return self.add(start..<to, .location, 61)
                }
                return self.add(start..<to, .location, meaning.contains(.surname) ? 66 : 84)
            }
            if let after = self.has(to, anyOf: Self.afterPlaces) {
                let isDivision = Self.divisions.contains { "\($0)" == "\(after)" }
                return self.add(start..<(isDivision ? to + 3 : to), .location, 83)
            }
            if token.kind == .katakana, meaning.contains(.given) == false, self.has(to, "・") { return self.add(start..<to, .location, 70) }
        }
        for belief in Self.beliefs where self.has(start, belief) { return self.add(start..<(start + belief.utf8CodeUnitCount), .nrp, 82) }
    }

    private static let beliefs: [StaticString] = [
        "キリスト教徒", "キリスト教", "イスラム教徒", "イスラム教", "仏教徒", "仏教", "ヒンドゥー教徒", "ヒンドゥー教", "ユダヤ教徒", "ユダヤ教", "ユダヤ人", "カトリック", "プロテスタント", "神道", "創価学会", "自民党", "立憲民主党", "公明党", "共産党", "共産主義者", "社会主義者", "無神論者", "ムスリム",
    ]

    // MARK: Companies

    private static let companyForms: [StaticString] = ["株式会社", "有限会社", "合同会社", "合資会社", "一般社団法人", "一般財団法人", "医療法人", "学校法人"]
    private static let companyEnds: [StaticString] = ["大学", "銀行", "病院", "研究所", "協会", "財団", "組合", "製作所", "商事", "電機", "工業", "建設", "学園", "高校", "中学校", "小学校", "保険", "証券", "新聞社"]

    private mutating func japaneseCompany(_ index: Int) {
        let token = self.tokens[index]
        guard token.kind != .hiragana else { return }
        let start = Int(token.start), end = Int(token.end)
        var i = start
        while i < end {
            if let form = self.has(i, anyOf: Self.companyForms) {
                // Before the name or behind it.
                if i > start { return self.add(start..<(i + form.utf8CodeUnitCount), .organization, 90) }
                var last = i + form.utf8CodeUnitCount, next = index + 1
                if last == end {
                    while next < self.tokens.count, next <= index + 3, [.han, .katakana, .word, .mixed].contains(self.tokens[next].kind), Int(self.tokens[next].start) == last {
                        last = Int(self.tokens[next].end)
                        next += 1
                    }
                } else {
                    last = end
                }
                return self.add(start..<last, .organization, 90)
            }
            i += 3
        }
        for ending in Self.companyEnds where end - start >= ending.utf8CodeUnitCount + 6 && self.has(end - ending.utf8CodeUnitCount, ending) { return self.add(start..<end, .organization, 74) }
    }
}
