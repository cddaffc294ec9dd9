/// The words that say what a number or code beside them is, in English, German, French, Spanish, Italian, Portuguese, Turkish, Japanese and Korean.
///
/// Accents and case do not count. East Asian words are looked up at the beginnings and ends of runs.
enum WordLists {
    static let all: [WordList] = Self.contexts + NameWords.all

    private static let contexts: [WordList] = [
        WordList(
            .phone,
            """
            phone telephone tel mobile cell cellphone call called calling fax whatsapp sms dial reach telefon telefonnummer handy handynummer mobil mobilnummer rufnummer anrufen rufen ruf anruf rückruf erreichbar erreichen erreicht telefonieren ring text contact
            téléphone appeler appelez appelle joindre joignez contacter joignable tél portable mobiles numéro_de_téléphone teléfono móvil celular llamar llámame llame llamen marcar marque contactar telefono cellulare chiamare chiamami chiamate chiami chiamarmi telefonare telefonate contattare contattate telefone telemóvel ligar ligue liguem contactar contacte telefonu
            telefonum cep numara arayın ara arayabilirsiniz numarasından numaram numaramdan görüşün ulaşın iletişim 電話 電話番号 携帯 携帯電話 連絡先 ファックス 전화 전화번호 휴대폰 핸드폰 연락처 휴대전화 팩스
            """),
        WordList(
            .card,
            """
            card cards visa mastercard amex credit debit cc creditcard karte kreditkarte kreditkartennummer carte bancaire tarjeta crédito carta credito cartão kart kartı kredi
            カード クレジットカード 카드 신용카드 신용카드번호 카드번호
            """),
        WordList(
            .account,
            """
            account acct iban konto kontonummer bankkonto compte cuenta conto conta hesap hesabı hesabım deposit 口座 口座番号 銀行 계좌 계좌번호 은행
            """),
        WordList(.routing, "routing aba bankleitzahl blz"),
        WordList(.swift, "swift bic"),
        WordList(.passport, "passport passports reisepass pass passnummer passeport pasaporte passaporto passaporte pasaport パスポート 旅券 旅券番号 여권 여권번호"),
        WordList(
            .driving,
            """
            driver drivers driving dl führerschein führerscheinnummer permis conduire conducir patente cnh habilitação motorista ehliyet sürücü 運転免許 運転免許証 免許証 운전면허 운전면허증 운전면허번호 면허번호
            """),
        WordList(.license, "license licence licencia licença"),
        WordList(.socialSecurity, "ssn social itin nino nif nie abn sin tfn sozialversicherungsnummer"),
        WordList(
            .nationalID,
            """
            identity identification national aadhaar pesel nric dni cpf cnpj cuit rut curp tckn kimlik personalausweis ausweisnummer ausweis identité identidad identidade identità codice fiscale nir
            insee citizen tc マイナンバー 個人番号 주민등록번호 주민번호 외국인등록번호
            """),
        WordList(.tax, "tax vat tin steuer steuernummer steueridentifikationsnummer steuerid ust ustid tva fiscal iva vergi contribuinte 税 사업자등록번호"),
        WordList(.business, "company siren siret ust ustid gmbh vat business 法人番号 사업자"),
        WordList(
            .medical,
            """
            medical patient nhs medicare mrn npi dea health hospital krankenversichertennummer krankenversicherung patientennummer sanitaria tessera sanitaire vitale salud saúde sus hasta sağlık
            mbi beneficiary 診察券 保険証 健康保険 환자 환자번호 건강보험
            """),
        WordList(.insurance, "versichertennummer kvnr"),
        WordList(.birth, "birth born dob geburtsdatum geboren naissance né nacimiento nacido nascita nato nascimento doğum 生年月日 생년월일"),
        WordList(
            .credential,
            """
            password passwd pwd passphrase secret token apikey api_key passwort kennwort passe contraseña clave parola senha şifre parolam bearer pin パスワード 暗証番号 비밀번호 암호
            """),
        WordList(.crypto, "bitcoin btc wallet ethereum eth crypto monero litecoin dogecoin ripple tron ウォレット ビットコイン 지갑 비트코인"),
        WordList(.version, "version v release build versión versione versão sürüm バージョン 버전"),
        WordList(
            .reference,
            """
            order invoice ticket tracking reference ref booking confirmation serial sku isbn part model bestellung rechnung bestellnummer rechnungsnummer auftragsnummer commande facture pedido factura ordine
            fattura encomenda fatura sipariş fatura 注文 注文番号 請求書 주문 주문번호 송장
            """),
        WordList(.number, "number no nr num numero número numéro nummer numara numarası id code code key"),
        WordList(.particle, "is of de del di da do das le la el der die den ist est es è é the a on im am le 's"),
        WordList(
            .month,
            """
            january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec januar februar märz mai juni juli oktober dezember
            janvier février mars avril juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre gennaio
            febbraio aprile maggio giugno luglio settembre ottobre novembre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro ocak şubat mart nisan mayıs haziran
            temmuz ağustos eylül ekim kasım aralık
            """),
        // Months that are ordinary words when written small.
        WordList(.common, "may march mars mart sept mar dec sep"),
    ]
}
