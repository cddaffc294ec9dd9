import GatewayPII
import Testing

/// A text, what should be found in it, and as what.
struct PIICase: Sendable, CustomTestStringConvertible {
    let text: String
    let found: [(text: String, category: PIICategory)]
    var testDescription: String { self.text }

    init(_ text: String, _ found: (String, PIICategory)...) {
        self.text = text
        self.found = found.map { (text: $0.0, category: $0.1) }
    }
}

@Suite struct PIIDetectorTests {
    private func find(_ text: String) -> [(text: String, category: PIICategory)] {
        let bytes = Array(text.utf8)
        return PIIDetector().detect(text).map { (String(decoding: bytes[$0.range], as: UTF8.self), $0.category) }
    }

    private func check(_ test: PIICase) {
        let found = self.find(test.text)
        #expect(found.map { "\($0.category): \($0.text)" } == test.found.map { "\($0.category): \($0.text)" }, "\(test.text)")
    }

    static let links: [PIICase] = [
        PIICase("write to jane.doe+x@mail.example.co.uk.", ("jane.doe+x@mail.example.co.uk", .email)), PIICase("連絡はtaro@example.jpまで", ("taro@example.jp", .email)),
        PIICase("see https://example.com/a?b=(c), ok", ("https://example.com/a?b=(c)", .url)), PIICase("www.example.org/path.", ("www.example.org/path", .url)),
        PIICase("visit example.com today", ("example.com", .domain)), PIICase("from 192.168.17.4 and 2001:db8::ff00:42:8329", ("192.168.17.4", .ip), ("2001:db8::ff00:42:8329", .ip)),
    ]
    static let privateKeys: [PIICase] = [
        PIICase("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY----- ok", ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", .credentials)),
        PIICase("x -----BEGIN PRIVATE KEY-----\nMIIEow+/==\nYWJj cut", ("-----BEGIN PRIVATE KEY-----\nMIIEow+/==\nYWJj", .credentials)),
        // What only looks like a key hides nothing behind it.
        PIICase("-----BEGIN x\npassword: hunter2!", ("hunter2!", .credentials)),
        PIICase("-----BEGIN CERTIFICATE-----\npassword: hunter2!\n-----END CERTIFICATE-----", ("hunter2!", .credentials)),
        PIICase("-----BEGIN PRIVATE KEY-----\nYWJj password: hunter2!", ("-----BEGIN PRIVATE KEY-----\nYWJj", .credentials), ("hunter2!", .credentials)),
    ]
    @Test(arguments: Self.privateKeys) func `private keys are found whole and hide nothing else`(test: PIICase) { self.check(test) }

    @Test(.timeLimit(.minutes(1))) func `beginnings without end are looked at once`() {
        #expect(self.find(String(repeating: "-----BEGIN PRIVATE KEY----- ", count: 40_000)).count == 40_000)
    }

    @Test(arguments: Self.links) func `addresses of machines and mail are found`(test: PIICase) { self.check(test) }

    static let numbers: [PIICase] = [
        PIICase("card 4111 1111 1111 1111 please", ("4111 1111 1111 1111", .creditCard)), PIICase("amex 378282246310005", ("378282246310005", .creditCard)),
        PIICase("transfer from GB82 WEST 1234 5698 7654 32 now", ("GB82 WEST 1234 5698 7654 32", .bank)), PIICase("IBAN DE89370400440532013000", ("DE89370400440532013000", .bank)),
        PIICase("SSN 536-90-4399", ("536-90-4399", .ssn)), PIICase("DNI 12345678Z", ("12345678Z", .ssn)), PIICase("NINO AB 12 34 56 C", ("AB 12 34 56 C", .ssn)),
        PIICase("CPF 529.982.247-25", ("529.982.247-25", .nationalID)), PIICase("TC kimlik 10000000146", ("10000000146", .nationalID)),
        PIICase("Steuer-ID 86095742719", ("86095742719", .nationalID)), PIICase("codice fiscale RSSMRA85T10A562S", ("RSSMRA85T10A562S", .nationalID)),
        PIICase("주민등록번호 900101-1234567 입니다", ("900101-1234567", .nationalID)), PIICase("NIR 2 55 08 14 168 025 38", ("2 55 08 14 168 025 38", .nationalID)),
        PIICase("マイナンバーは123456789018です", ("123456789018", .nationalID)), PIICase("NHS number 943 476 5919", ("943 476 5919", .medical)),
        PIICase("passport number X1234567", ("X1234567", .passport)), PIICase("Reisepass C01X00T47", ("C01X00T47", .passport)), PIICase("여권번호 M12345678", ("M12345678", .passport)),
        PIICase("driver's license D123-4567-8901", ("D123-4567-8901", .driverLicense)), PIICase("account number 12345678", ("12345678", .bank)),
    ]
    @Test(arguments: Self.numbers) func `numbers are found by their checks and by the words around them`(test: PIICase) { self.check(test) }

    static let phones: [PIICase] = [
        PIICase("call (555) 123-4567 ext. 12", ("(555) 123-4567 ext. 12", .phone)), PIICase("+49 30 901820", ("+49 30 901820", .phone)), PIICase("06 12 34 56 78", ("06 12 34 56 78", .phone)),
        PIICase("電話番号は090-1234-5678です", ("090-1234-5678", .phone)), PIICase("Telefon: 030 1234567", ("030 1234567", .phone)), PIICase("+90(532)4567890", ("+90(532)4567890", .phone)),
        PIICase("móvil 612 345 678", ("612 345 678", .phone)), PIICase("010-1234-5678로 전화", ("010-1234-5678", .phone)),
    ]
    @Test(arguments: Self.phones) func `telephone numbers are found as each country writes them`(test: PIICase) { self.check(test) }

    static let dates: [PIICase] = [
        PIICase("on 2024-03-12T10:20:30Z", ("2024-03-12T10:20:30Z", .date)), PIICase("12/31/1999", ("12/31/1999", .date)), PIICase("born March 3rd, 1980", ("March 3rd, 1980", .date)),
        PIICase("am 3. Oktober 1990", ("3. Oktober 1990", .date)), PIICase("12 de marzo de 2020", ("12 de marzo de 2020", .date)), PIICase("2020年3月12日に", ("2020年3月12日", .date)),
        PIICase("2020년 3월 12일에", ("2020년 3월 12일", .date)), PIICase("le 14 juillet 1789 fut", ("14 juillet 1789", .date)),
    ]
    @Test(arguments: Self.dates) func `dates are found in digits and in words`(test: PIICase) { self.check(test) }

    static let secrets: [PIICase] = [
        PIICase("key AKIAIOSFODNN7EXAMPLE end", ("AKIAIOSFODNN7EXAMPLE", .credentials)), PIICase("password: hunter2!", ("hunter2!", .credentials)),
        PIICase("my password is Tr0ub4dor", ("Tr0ub4dor", .credentials)), PIICase("Passwort: geheim99", ("geheim99", .credentials)),
        PIICase("pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", .crypto)),
        PIICase("pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", .crypto)),
        PIICase("0x52908400098527886E0F7030069857D2E4169EE7", ("0x52908400098527886E0F7030069857D2E4169EE7", .crypto)),
    ]
    @Test(arguments: Self.secrets) func `secrets and wallets are found`(test: PIICase) { self.check(test) }

    @Test(arguments: [
        "version 1.2.3.4 of the library", "order 1234567890 has shipped", "4111 1111 1111 1112", "see main.py and readme.md", "it costs 1 000 000 euros", "at 12:30:45 we met", "3.14159265358979",
        "pay 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "DE89370400440532013001", "the password is important", "you may 5 times", "12345678A", "a@b", "2001:db8", "500-600 people", "",
    ])
    func `what only looks alike is left alone`(text: String) { #expect(self.find(text).map(\.text) == [], "\(text)") }

    @Test func `only the wanted categories are found`() {
        let found = PIIDetector(categories: PIICategories(.email)).detect("a@example.com 192.168.1.1")
        #expect(found.map(\.category) == [.email])
    }

    @Test func `any bytes are survived, findings are in order, apart and on whole characters`() {
        var state: UInt64 = 42
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        let pieces = Self.numbers.map(\.text) + Self.links.map(\.text) + Self.phones.map(\.text) + Self.dates.map(\.text) + Self.secrets.map(\.text) + ["é", "漢", "한", "@", ":", "::", "+", "(", "0", "A", " ", "\n", "😀"]
        for _ in 0..<3_000 {
            var bytes = (0..<next() % 6).flatMap { _ in Array(pieces[Int(next()) % pieces.count].utf8) }
            for _ in 0..<next() % 4 where !bytes.isEmpty { bytes[Int(next()) % bytes.count] = UInt8(truncatingIfNeeded: next()) }
            let spans = bytes.withUnsafeBytes { PIIDetector().detect($0) }
            var end = 0
            for span in spans {
                #expect(span.range.lowerBound >= end && !span.range.isEmpty && span.range.upperBound <= bytes.count)
                end = span.range.upperBound
            }
            let isText = String(validating: bytes, as: UTF8.self) != nil
            if isText { for span in spans { #expect(bytes[span.range.lowerBound] & 0xC0 != 0x80 && (end == bytes.count || span.range.upperBound == bytes.count || bytes[span.range.upperBound] & 0xC0 != 0x80)) } }
        }
    }
}
