/// Texts to start from, and the words recognizers look for.
enum PIISeeds {
    static let texts = FuzzMutator(seeds: seeds, words: words)

    private static let seeds = [
        "My name is Emily Carter, call (555) 123-4567 or mail jane.doe@example.com, card 4111 1111 1111 1111.",
        "Herr Jörg Weiß wohnt in der Müllerstraße 12, 13353 Berlin, IBAN DE89370400440532013000, Steuer-ID 86095742719.",
        "12, rue de la Paix, 75002 Paris; NIR 2 55 08 14 168 025 38, née le 3 mars 1980 à Saint-Rémy-de-Provence.",
        "La señora García Márquez, DNI 12345678Z, Calle Mayor 5, 28013 Madrid, https://example.com/a?b=(c).",
        "神奈川県横浜市港北区日吉4-1-1の山田太郎様、電話090-1234-5678、2020年3月12日、株式会社山田商店。",
        "경기도 수원시 영통구 매탄로 123-4 김영수 씨, 주민등록번호 900101-1234567, 010-1234-5678로 전화",
        "Sayın Ayşe Öztürk, Gül Mahallesi Lale Sokak No: 5, İzmir'de, TC kimlik 10000000146",
        "api_key=\"sk-abcdefghijklmnopqrstuvwxyz0123456789\" from 192.168.17.4 and 2001:db8::ff00:42:8329, password: hunter2! 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "Trinidad and Tobago, New York City, Acme Widgets Inc., Müller GmbH & Co. KG, S.p.A., Dr. J. R. R. O'Neill-Smith",
    ]

    private static let words = [
        "Mr. ", "Frau ", "様", "さん", "씨", "市", "区", "ヶ", "ケ", "시 ", "동 ", "길 ", "New ", "San ", "St. ", "de ", "-de-", "-", "'", "’", ".", ",", ":", "@", "::", "//", "+", "(", ")", "#", "\n", "0", "12345", "1-",
        "IL 62704", "Street", "Rua ", "via ", "straße", " Inc.", "GmbH & ", "A. ", "eyJ", "-----BEGIN ", "PLACEHOLDER1", "東京都", "서울특별시", "김", "・", "\u{00A0}", "\u{FF11}", "é", "İ", "ß", "😀", "\u{200B}", "a.b.c", "www.", "password: ",
    ]
}
