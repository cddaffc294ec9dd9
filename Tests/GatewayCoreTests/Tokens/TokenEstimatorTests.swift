import Testing

@testable import GatewayCore

@Suite struct TokenEstimatorTests {
    private func estimate(_ text: String) -> Int {
        var estimator = TokenEstimator()
        Array(text.utf8).withUnsafeBytes { estimator.add($0) }
        return (estimator.thousandths + 999) / 1000
    }

    /// What tiktoken counts with its encodings cl100k_base and o200k_base.
    @Test(arguments: [
        ("english", #"The quarterly report shows that revenue grew by 12.5% compared with last year, mostly because customers in the northern regions renewed their contracts early. Management expects the trend to continue, although supply chains remain fragile and transportation costs are rising."#, 48, 48),
        ("code", "func reconnect(after delay: Duration) async throws {\n    for attempt in 0..<self.limit {\n        try await Task.sleep(for: delay * (1 << attempt))\n        if let session = try? await self.open(port: 8443) { return self.install(session) }\n    }\n    throw ConnectionError.exhausted(attempts: self.limit)\n}\n", 73, 74),
        ("json", #"{"id": 48213, "status": "shipped", "items": [{"sku": "AB-1002", "quantity": 3, "price": 19.99}, {"sku": "ZX-77", "quantity": 1, "price": 249.0}], "address": {"street": "12 Harbour Road", "postcode": "BS1 4QA"}}"#, 83, 83),
        ("german", #"Die Bundesregierung hat angekündigt, die Förderung für energetische Gebäudesanierungen zu verlängern. Hausbesitzer können damit weiterhin Zuschüsse beantragen, müssen aber strengere Voraussetzungen erfüllen als bisher."#, 62, 39),
        ("french", #"Le conseil municipal a voté hier soir un budget qui prévoit la rénovation de trois écoles et l'aménagement d'une piste cyclable le long du fleuve. Les travaux commenceront au printemps prochain."#, 52, 40),
        ("spanish", #"La empresa anunció que abrirá dos nuevas fábricas el próximo año y que contratará a más de quinientos trabajadores en la región. El alcalde celebró la noticia durante una rueda de prensa."#, 53, 39),
        ("chinese", #"公司今天宣布,明年将在南部地区新建两座工厂,预计创造五百多个就业岗位。当地政府表示欢迎,并承诺改善周边的交通设施。"#, 69, 40),
        ("japanese", #"来年度の予算案が昨日の会議で承認されました。新しい図書館の建設は春に始まり、二年後に完成する予定です。住民からは期待の声が上がっています。"#, 72, 52),
        ("korean", #"정부는 내년부터 대중교통 요금을 동결하고 농촌 지역의 버스 노선을 확대하겠다고 밝혔다. 전문가들은 이 정책이 환경에도 도움이 될 것으로 보고 있다."#, 85, 41),
        ("russian", #"Правительство объявило о продлении программы поддержки малого бизнеса до конца следующего года. Предприниматели смогут получить льготные кредиты, если сохранят рабочие места."#, 72, 36),
        ("arabic", #"أعلنت الحكومة عن خطة جديدة لدعم الطاقة المتجددة في المناطق الريفية، وتهدف إلى تقليل الاعتماد على الوقود خلال السنوات العشر القادمة."#, 88, 34),
        ("hindi", #"सरकार ने ग्रामीण क्षेत्रों में नई सड़कों के निर्माण की घोषणा की है। अधिकारियों का कहना है कि यह काम अगले साल तक पूरा हो जाएगा।"#, 123, 31),
        ("greek", #"Η κυβέρνηση ανακοίνωσε νέα μέτρα για τη στήριξη των μικρών επιχειρήσεων και την ενίσχυση του τουρισμού στα νησιά."#, 97, 34)
    ])
    func `estimates lie near what vocabularies of OpenAI count`(language: String, text: String, cl100k: Int, o200k: Int) {
        let estimate = Double(self.estimate(text))
        #expect(estimate >= 0.8 * Double(min(cl100k, o200k)) && estimate <= 1.25 * Double(max(cl100k, o200k)), "\(language): \(estimate), \(cl100k), \(o200k)")
    }

    @Test func `nothing has no tokens`() { #expect(self.estimate("") == 0) }

    @Test func `what is beyond the limit counts like what is before it`() {
        let line = "The quick brown fox jumps over the lazy dog, 12 times a day.\n"
        let short = self.estimate(String(repeating: line, count: 100))
        let long = self.estimate(String(repeating: line, count: 100_000))
        #expect(abs(Double(long) / Double(short) - 1000) < 20)
    }

    @Test func `bytes that are no text are counted in bounds`() {
        var random = SystemRandomNumberGenerator()
        for size in 0..<300 {
            let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
            var estimator = TokenEstimator()
            bytes.withUnsafeBytes { estimator.add($0) }
            #expect(estimator.thousandths >= 0 && estimator.thousandths <= size * 1500)
        }
    }
}
