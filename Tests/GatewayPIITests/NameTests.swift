import GatewayPII
import Testing

/// Sentences with people, places, organizations and nationalities in them, and sentences without.
@Suite struct NameTests {
    private func check(_ test: PIICase) {
        let bytes = Array(test.text.utf8)
        let found = PIIDetector(categories: .names).detect(test.text).map { "\($0.category): \(String(decoding: bytes[$0.range], as: UTF8.self))" }
        #expect(found == test.found.map { "\($0.category): \($0.text)" }, "\(test.text)")
    }

    static let people: [PIICase] = [
        PIICase("My name is Emily Carter and I work here.", ("Emily Carter", .person)), PIICase("Mr. Baker called Dr. J. Watson.", ("Baker", .person), ("J. Watson", .person)),
        PIICase("Hi John, please ask Mary-Ann O'Brien.", ("John", .person), ("Mary-Ann O'Brien", .person)), PIICase("Will Smith met Grace Kelly.", ("Will Smith", .person), ("Grace Kelly", .person)),
        PIICase("Ich heiße Jörg Weiß, Frau Trubin hilft.", ("Jörg Weiß", .person), ("Trubin", .person)), PIICase("Der Kunde Ludwig van Beethoven zahlt bar.", ("Ludwig van Beethoven", .person)),
        PIICase("Je m'appelle Hélène de La Fontaine.", ("Hélène de La Fontaine", .person)), PIICase("La señora García Márquez firmó.", ("García Márquez", .person)),
        PIICase("Il dottor Rossi e Maria De Luca arrivano.", ("Rossi", .person), ("Maria De Luca", .person)), PIICase("O funcionário João da Silva chegou.", ("João da Silva", .person)),
        PIICase("Müşterimiz Ayşe Öztürk aradı.", ("Ayşe Öztürk", .person)), PIICase("Ahmet Bey'in evrakları hazır.", ("Ahmet", .person)),
        PIICase("担当の山田太郎が伺います。", ("山田太郎", .person)), PIICase("鈴木さんに連絡してください。", ("鈴木", .person)), PIICase("ジョン・スミスさんが来ました。", ("ジョン・スミス", .person)),
        PIICase("저는 박지영입니다.", ("박지영", .person)), PIICase("이민호 과장님께 전달해 주세요.", ("이민호", .person)),
    ]
    @Test(arguments: Self.people) func `people are found by their names and by what they are called with`(test: PIICase) { self.check(test) }

    static let places: [PIICase] = [
        PIICase("We flew from Paris to San Francisco.", ("Paris", .location), ("San Francisco", .location)), PIICase("Send it to 12 North Main Street Apt. 4, Springfield, IL 62704.", ("12 North Main Street Apt. 4, Springfield, IL 62704", .location)),
        PIICase("Er wohnt in der Müllerstraße 12, 13353 Berlin.", ("Müllerstraße 12, 13353 Berlin", .location)), PIICase("Elle vit à Saint-Rémy-de-Provence.", ("Saint-Rémy-de-Provence", .location)),
        PIICase("12, rue de la Paix, 75002 Paris", ("12, rue de la Paix, 75002 Paris", .location)), PIICase("Vive en Guadalajara, México.", ("Guadalajara", .location), ("México", .location)),
        PIICase("Abita in Via Garibaldi 5, 20121 Milano (MI).", ("Via Garibaldi 5, 20121 Milano (MI)", .location)), PIICase("Moro no Rio de Janeiro.", ("Rio de Janeiro", .location)),
        PIICase("Toplantı Eskişehir'de yapılacak.", ("Eskişehir", .location)), PIICase("Trinidad and Tobago is far.", ("Trinidad and Tobago", .location)),
        PIICase("神奈川県横浜市港北区日吉4-1-1に送ってください。", ("神奈川県横浜市港北区日吉4-1-1", .location)), PIICase("大阪へ行きます。", ("大阪", .location)),
        PIICase("경기도 수원시 영통구 매탄로 123-4", ("경기도 수원시 영통구 매탄로 123-4", .location)), PIICase("부산에서 만나요.", ("부산", .location)),
    ]
    @Test(arguments: Self.places) func `places are found by name, by address and by what stands before them`(test: PIICase) { self.check(test) }

    static let others: [PIICase] = [
        PIICase("She works at Acme Widgets Inc. now.", ("Acme Widgets Inc.", .organization)), PIICase("Die Müller GmbH & Co. KG liefert.", ("Müller GmbH & Co. KG", .organization)),
        PIICase("株式会社山田商店に電話する。", ("株式会社山田商店", .organization)), PIICase("He is a Catholic.", ("Catholic", .nrp)), PIICase("彼はアメリカ人です。", ("アメリカ人", .nrp)),
    ]
    @Test(arguments: Self.others) func `organizations, nationalities and beliefs are found`(test: PIICase) { self.check(test) }

    @Test(arguments: [
        "Please summarize the following text in three bullet points.", "May I have your attention? Hope is not a strategy.", "Die Katze sitzt auf dem Dach und schaut in den Garten.",
        "Le chat est assis sur le toit et regarde le jardin.", "Open Settings, then Privacy.", "Yazın dondurma, kışın sıcak çikolata yeriz.", "次の文章を三つの要点にまとめてください。", "お客様の声をもとに商品を改良しました。",
        "다음 글을 세 가지 요점으로 정리해 주세요.", "고객님의 의견을 바탕으로 상품을 개선했습니다.", "The Board approved the Annual Report.", "",
    ])
    func `ordinary sentences hold none`(text: String) { self.check(PIICase(text)) }

    @Test func `time grows with the text and not faster, whatever it holds`() {
        // Runs, phrases, addresses and divisions that begin everywhere and never end.
        let pieces = ["New ", "St. ", "Anna-", "de la ", "12 Main ", "Rua de ", "San-de-", "山", "中村", "서울시 ", "김", "J.", "ヶ", "GmbH & ", "1-", "a.b", "@", "::", "O'", "Saint-les-", "東京都", "１", "(", "PLACEHOLDER1 "]
        func seconds(_ text: String) -> Double {
            let clock = ContinuousClock()
            return (0..<3).map { _ in Double(clock.measure { _ = PIIDetector().detect(text) }.components.attoseconds) / 1e18 }.min() ?? 0
        }
        for piece in pieces {
            let short = seconds(String(repeating: piece, count: 4_000)), long = seconds(String(repeating: piece, count: 32_000))
            // Eight times the text: a quadratic step would take sixty-four times as long.
            #expect(long < max(short, 0.002) * 30, "\(piece): \(short) s, \(long) s")
        }
    }
}
