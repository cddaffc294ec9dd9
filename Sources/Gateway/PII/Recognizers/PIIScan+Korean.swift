extension PIIScan {
    /// Korean names: a word holds the name and its particles; family names are few, given names mostly two syllables.
    mutating func recognizeKorean(_ lexicon: Lexicon) {
        var covered = 0
        for index in self.tokens.indices {
            let token = self.tokens[index]
            guard token.kind == .hangul, Int(token.start) >= covered else { continue }
            if let end = self.koreanAddress(index, lexicon) {
                covered = end
                continue
            }
            if self.categories.contains(.organization) { self.koreanCompany(index) }
            if !self.koreanPlace(index, lexicon) || !self.categories.contains(.location) { self.koreanPerson(index, lexicon) }
        }
    }

    private func isAt(_ offset: Int, anyOf texts: [StaticString]) -> StaticString? { texts.first { self.matchesExactly(offset, $0) } }
    private func means(_ range: Range<Int>, _ lexicon: Lexicon) -> WordMeaning { lexicon.meaning(self.hash(range)) }

    private static let familyNames: Set<UInt64> = Set(
        """
        김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 류 유 전 홍 고 문 양 손 배 백 허 남 심 노 하 곽 성 차 주 우 구 민 나 진 지 엄 채 원 천 방 공 현 함 변 염 여 추 도 소 석 선 설 마 길 연 위 표 명 기 반 왕 금 옥 육 인 맹 제 모 탁 국
        어 은 편 용 남궁 황보 제갈 사공 선우 서문 독고
        """.split(whereSeparator: { $0.isWhitespace }).map { LetterFold.hash(String($0)) })

    /// Particles and endings that may follow a name within its word.
    private static let particles: Set<UInt64> = Set(
        """
        은 는 이 가 을 를 의 에 에게 에게서 께 께서 한테 한테서 과 와 도 로 으로 만 랑 이랑 하고 씨 님 군 양 입니다 이다 이고 이며 이에요 예요 이라고 라고 이라는 라는 이라 씨는 씨가 씨의 씨를 씨에게 씨와 님은 님이 님의 님께 님을 님께서 님에게 군은 군이 양은 양이 까지
        부터 보다 처럼 이나 나 에요 이었다 였습니다 이었습니다 인데 인가요 인지 이랑 이요 요 여사 선생님 선생님은 선생님께 교수 교수님 교수는 과장 과장님 과장은 부장 부장님 대리 대리님 대리는 사장 사장님 팀장 팀장님 팀장은 대표 대표님 대표는 의사 환자 환자는 기자 선수 박사 의원 원장 이사 실장 차장
        """.split(whereSeparator: { $0.isWhitespace }).map { LetterFold.hash(String($0)) })

    private func isParticle(_ range: Range<Int>) -> Bool { range.isEmpty || Self.particles.contains(self.hash(range)) }

    // MARK: People

    private mutating func koreanPerson(_ index: Int, _ lexicon: Lexicon) {
        guard self.categories.contains(.person) else { return }
        let token = self.tokens[index]
        let start = Int(token.start), end = Int(token.end), syllables = token.count / 3
        let called = index + 1 < self.tokens.count && self.tokens[index + 1].kind == .hangul && !self.tokens[index + 1].meaning.isDisjoint(with: .honorific)
        for family in [2, 1] where syllables > family && Self.familyNames.contains(self.hash(start..<(start + family * 3))) {
            for given in [2, 1, 3] {
                let to = start + (family + given) * 3
                guard to <= end else { continue }
                let isCalled = to == end && called || self.isAt(to, anyOf: ["씨", "님"]) != nil
                guard self.isParticle(to..<end) else { continue }
                let meaning = given == 2 ? self.means((start + family * 3)..<to, lexicon) : []
                // A rare given name whose second syllable is a particle may be a word with its particle.
                let endsInParticle = to == end && self.isParticle((to - 3)..<to)
                let isKnown = meaning.contains(.frequent) || (meaning.contains(.given) && !endsInParticle)
                let isOrdinary = self.means(start..<to, lexicon).contains(.common) || self.means(start..<end, lexicon).contains(.common)
                if isKnown, !isOrdinary || isCalled { return self.add(start..<to, .person, isCalled ? 93 : to == end || given == 2 ? 86 : 80) }
                if isCalled, !self.isTitle(start..<to) { return self.add(start..<to, .person, given == 2 ? 84 : 76) }
            }
        }
        // 지영 씨, 민수야
        if syllables >= 2, self.means(start..<(start + 6), lexicon).contains(.given), called && syllables == 2 || (self.isAt(start + 6, anyOf: ["씨", "님"]) != nil && self.isParticle((start + 6)..<end)) {
            self.add(start..<(start + 6), .person, 78)
        }
    }

    /// 고객님, 선생님, 사장님: forms of address alone are nobody's name.
    private static let titles: Set<UInt64> = Set(["고객", "선생", "사장", "부장", "과장", "대리", "팀장", "교수", "박사", "원장", "이사", "의사", "손님", "회원", "선배", "부모", "형", "기사", "대표", "실장", "차장", "주인", "임금", "장모", "여러분"].map { LetterFold.hash($0) })
    private func isTitle(_ range: Range<Int>) -> Bool { Self.titles.contains(self.hash(range)) }

    // MARK: Places

    private static let divisions: [StaticString] = ["특별자치시", "특별자치도", "특별시", "광역시", "시", "군", "구", "읍", "면", "동", "리", "도", "대로", "로", "길", "가"]

    /// An address: divisions from the large to the small, then numbers.
    private mutating func koreanAddress(_ index: Int, _ lexicon: Lexicon) -> Int? {
        guard self.categories.contains(.location) else { return nil }
        guard self.isDivision(index, lexicon, isFirst: true) else { return nil }
        var last = index, i = index + 1, parts = 1
        while i < self.tokens.count, parts < 8 {
            let token = self.tokens[i]
            if token.kind == .hangul, token.shape.contains(.spaceBefore), self.isDivision(i, lexicon, isFirst: false) {
                last = i
                parts += 1
            } else if token.kind == .hangul, parts >= 2, self.matchesExactly(Int(token.start), "지하"), token.count == 6, i + 1 < self.tokens.count, self.tokens[i + 1].kind == .number {
            } else if token.kind == .number, parts >= 2, token.count <= 4 {
                last = i
                // 12-3, 45번길 6
                while last + 2 < self.tokens.count, self.tokens[last + 1].sign == 0x2D, self.tokens[last + 2].kind == .number { last += 2 }
                if last + 1 < self.tokens.count, self.tokens[last + 1].kind == .hangul, !self.tokens[last + 1].shape.contains(.spaceBefore), self.isAt(Int(self.tokens[last + 1].start), anyOf: Self.numbered) != nil {
                    last += 1
                    let suffix = self.isAt(Int(self.tokens[last].start), anyOf: Self.numbered)?.utf8CodeUnitCount ?? 3
                    i = last + 1
                    if Int(self.tokens[last].start) + suffix < Int(self.tokens[last].end) {
                        let to = Int(self.tokens[last].start) + suffix
                        self.add(Int(self.tokens[index].start)..<to, .location, 92)
                        return Int(self.tokens[last].end)
                    }
                    continue
                }
                i = last + 1
                continue
            } else {
                break
            }
            i += 1
        }
        guard parts >= 2 else { return nil }
        // What follows the last division in its word is a particle.
        let division = self.tokens[last].kind == .hangul ? self.endOfDivision(last) : 0
        let to = division > 0 ? division : Int(self.tokens[last].end)
        self.add(Int(self.tokens[index].start)..<to, .location, 92)
        return Int(self.tokens[last].end)
    }

    private static let numbered: [StaticString] = ["번길", "번지", "대로", "길", "로", "가", "호", "동", "층"]

    private static let placeParticles: Set<UInt64> = Set(
        ["에", "에서", "의", "로", "으로", "은", "는", "이", "가", "을", "를", "까지", "부터", "와", "과", "도", "에는", "에서는", "입니다", "이고", "이며", "이다", "에도", "에서도", "로부터", "행", "발", "인", "출신", "출신입니다", "출신의", "시민", "지사", "지점", "본사", "근처", "역", "쪽", "에서의", "이나"]
            .map { LetterFold.hash($0) })

    /// The end of a division in a word, particles left out; 0: it is none.
    private func endOfDivision(_ index: Int) -> Int {
        let token = self.tokens[index]
        let start = Int(token.start), end = Int(token.end)
        var to = end
        // Particles are short, and so are names: a run without blanks is not walked for each of its letters.
        while to > start + 3, end - to <= 24 {
            if to == end || Self.placeParticles.contains(self.hash(to..<end)) {
                for division in Self.divisions where to - division.utf8CodeUnitCount > start && self.matchesExactly(to - division.utf8CodeUnitCount, division) { return to }
            }
            to -= 3
        }
        return 0
    }

    private func isDivision(_ index: Int, _ lexicon: Lexicon, isFirst: Bool) -> Bool {
        let token = self.tokens[index]
        let to = self.endOfDivision(index)
        if to > 0, !isFirst { return true }
        if to > 0, self.isKnown(Int(token.start)..<to, lexicon) { return true }
        return isFirst && self.means(token.range, lexicon).contains(.city)
    }

    /// Whether a word, or what it is without its division, is a place.
    private func isKnown(_ range: Range<Int>, _ lexicon: Lexicon) -> Bool {
        if self.means(range, lexicon).contains(.city) { return true }
        for division in Self.divisions where range.count > division.utf8CodeUnitCount + 3 && self.matchesExactly(range.upperBound - division.utf8CodeUnitCount, division) {
            return self.means(range.lowerBound..<(range.upperBound - division.utf8CodeUnitCount), lexicon).contains(.city)
        }
        return false
    }

    private mutating func koreanPlace(_ index: Int, _ lexicon: Lexicon) -> Bool {
        let token = self.tokens[index]
        let start = Int(token.start), end = Int(token.end)
        var to = end
        while to >= start + 6, end - to <= 24, end - start <= 120 {
            if to == end || Self.placeParticles.contains(self.hash(to..<end)), self.isKnown(start..<to, lexicon) {
                if self.matchesExactly(to, "인"), to < end, !self.matchesExactly(to, "인천") {
                    self.add(start..<(to + 3), .nrp, 80)
                } else {
                    self.add(start..<to, .location, 84)
                }
                return true
            }
            // 미국인은, 한국인이: a people.
            if to + 3 <= end, self.matchesExactly(to, "인"), self.means(start..<to, lexicon).contains(.city), self.isParticle((to + 3)..<end) {
                self.add(start..<(to + 3), .nrp, 82)
                return true
            }
            to -= 3
        }
        for belief in Self.beliefs where self.matchesExactly(start, belief) {
            self.add(start..<(start + belief.utf8CodeUnitCount), .nrp, 80)
            return true
        }
        return false
    }

    private static let beliefs: [StaticString] = ["기독교인", "기독교", "천주교", "가톨릭", "개신교", "불교", "이슬람교", "이슬람", "무슬림", "힌두교", "유대교", "유대인", "무신론자", "더불어민주당", "국민의힘", "공산당", "사회주의자", "공산주의자", "보수당"]

    // MARK: Companies

    private static let companyEnds: [StaticString] = ["은행", "대학교", "병원", "그룹", "전자", "재단", "공사", "협회", "증권", "보험", "건설", "화학", "연구소", "초등학교", "중학교", "고등학교"]

    private mutating func koreanCompany(_ index: Int) {
        let token = self.tokens[index]
        let start = Int(token.start), end = Int(token.end)
        if let form = self.isAt(start, anyOf: ["주식회사", "유한회사", "재단법인", "사단법인"]), start + form.utf8CodeUnitCount == end, index + 1 < self.tokens.count, [.hangul, .word].contains(self.tokens[index + 1].kind) {
            return self.add(start..<Int(self.tokens[index + 1].end), .organization, 84)
        }
        if let form = self.isAt(end - 12, anyOf: ["주식회사", "유한회사"]), end - start > form.utf8CodeUnitCount { return self.add(start..<end, .organization, 86) }
        // (주)가나다, ㈜가나다
        if index >= 3, self.tokens[index - 1].sign == 0x29, self.tokens[index - 2].kind == .hangul, self.tokens[index - 2].count == 3, self.matchesExactly(Int(self.tokens[index - 2].start), "주"), self.tokens[index - 3].sign == 0x28 {
            return self.add(Int(self.tokens[index - 3].start)..<end, .organization, 86)
        }
        var to = end
        while to >= start + 9, end - to <= 24 {
            if to == end || Self.placeParticles.contains(self.hash(to..<end)) {
                for ending in Self.companyEnds where to - start >= ending.utf8CodeUnitCount + 6 && self.matchesExactly(to - ending.utf8CodeUnitCount, ending) {
                    return self.add(start..<to, .organization, 76)
                }
            }
            to -= 3
        }
    }
}
