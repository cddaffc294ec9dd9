"""Labelled texts: templates of nine languages filled with values that faker makes for the language's locale.

Numbers with check digits that faker lacks are made here. Turkish places are written out, because faker's Turkish locale makes English-looking ones.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path

from faker import Faker

HERE = Path(__file__).parent
LOCALES = {
    "en": ["en_US"], "de": ["de_DE"], "fr": ["fr_FR"], "es": ["es_ES"], "it": ["it_IT"],
    "pt": ["pt_BR", "pt_PT"], "tr": ["tr_TR"], "ja": ["ja_JP"], "ko": ["ko_KR"],
}  # fmt: skip
# What a template's field is to the report.
CATEGORIES = {
    "name": "person", "first_name": "person", "last_name": "person", "city": "location", "country": "location",
    "state": "location", "address": "location", "company": "organization", "phone_number": "phone", "email": "email",
    "credit_card": "creditcard", "iban": "bank", "crypto": "crypto", "date": "date", "ip": "ip", "url": "url",
    "ssn": "ssn", "national_id": "nationalid", "passport": "passport", "api_key": "credentials", "password": "credentials",
    "nationality": "nrp",
}  # fmt: skip
TURKISH_CITIES = (
    "Ankara İzmir Bursa Antalya Adana Konya Gaziantep Mersin Kayseri Eskişehir Diyarbakır Samsun Denizli Trabzon Malatya Erzurum "
    "Balıkesir Manisa Edirne Çanakkale Muğla Bodrum Marmaris Fethiye Kuşadası Alanya Tarsus İskenderun Nazilli Turgutlu Akhisar "
    "Lüleburgaz Çorlu Gebze İnegöl Ereğli Ünye Fatsa Rize Giresun Ordu Sinop Amasya Tokat Sivas Yozgat Nevşehir Niğde Isparta Burdur"
).split()
TURKISH_STREETS = "Gül Lale Menekşe Çınar Atatürk İnönü Cumhuriyet Barış Zafer Bahar Yıldız Deniz Orman Okul Çamlık Fatih Mimar Yunus".split()
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
}


@dataclass
class Sample:
    """A text, the spans of it that are personal data (in code points) with their categories, and its language and part."""

    text: str
    spans: list[tuple[int, int, str]] = field(default_factory=list)
    language: str = "en"
    part: str = "test"


def weighted(digits: list[int], weights: list[int]) -> int:
    return sum(d * w for d, w in zip(digits, weights))


class Values:
    """Makes the values of one language."""

    def __init__(self, language: str, seed: int):
        self.language = language
        self.random = random.Random(seed)
        self.fakers = []
        for locale in LOCALES[language]:
            faker = Faker(locale)
            faker.seed_instance(seed)
            self.fakers.append(faker)
        self.english = Faker("en_US")
        self.english.seed_instance(seed)

    @property
    def faker(self) -> Faker:
        return self.random.choice(self.fakers)

    def make(self, name: str) -> str:
        own = getattr(self, f"make_{name}", None)
        return str(own() if own else getattr(self.faker, name)()).strip()

    def make_name(self) -> str:
        """A first and a last name, without the titles and degrees faker's names have."""
        faker = self.faker
        if self.language == "ko":
            return faker.name()
        if self.language == "ja":
            return faker.last_name() + self.random.choice(["", " "]) + faker.first_name()
        return f"{faker.first_name()} {faker.last_name()}"

    def make_city(self) -> str:
        return self.random.choice(TURKISH_CITIES) if self.language == "tr" else self.faker.city()

    def make_state(self) -> str:
        return self.faker.administrative_unit()

    def make_country(self) -> str:
        """Without what stands in brackets behind it."""
        return re.sub(r"\s*\(.*\)", "", (self.turkish_country if self.language == "tr" else self.faker.country)())

    def turkish_country(self) -> str:
        return self.random.choice("Almanya Fransa İtalya İspanya Hollanda Belçika İngiltere Amerika Kanada Japonya Çin Rusya Yunanistan Bulgaristan Mısır Brezilya Azerbaycan".split())

    def make_address(self) -> str:
        """One line, or the lines faker makes of it."""
        if self.language == "tr":
            r = self.random
            return f"{r.choice(TURKISH_STREETS)} Mahallesi {r.choice(TURKISH_STREETS)} Sokak No: {r.randint(1, 120)}, {r.choice(TURKISH_CITIES)}"
        address = self.faker.address()
        while self.language == "en" and ("APO" in address or "FPO" in address or "DPO" in address):
            address = self.faker.address()
        lines = [line.strip() for line in address.split("\n")]
        return self.random.choice([", ", "\n"]).join(lines)

    def make_email(self) -> str:
        return self.english.email()

    def make_credit_card(self) -> str:
        number = self.english.credit_card_number()
        return " ".join(number[i : i + 4] for i in range(0, 16, 4)) if len(number) == 16 and self.random.random() < 0.5 else number

    def make_iban(self) -> str:
        faker = self.faker if self.language not in ("ja", "ko") else self.english
        iban = faker.iban()
        return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4)) if self.random.random() < 0.3 else iban

    def make_ip(self) -> str:
        return self.english.ipv4() if self.random.random() < 0.7 else self.english.ipv6()

    def make_url(self) -> str:
        return self.random.choice([self.english.url, self.english.uri])()

    def make_nationality(self) -> str:
        """An English adjective, from presidio-evaluator's list."""
        import csv

        from presidio_evaluator.data_generator import raw_data_dir

        with open(Path(raw_data_dir) / "nationalities.csv", encoding="utf-8") as file:
            return self.random.choice([row["nationality"] for row in csv.DictReader(file)])

    def make_ssn(self) -> str:
        return self.english.ssn()

    def make_passport(self) -> str:
        return self.english.passport_number()

    def make_api_key(self) -> str:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return self.random.choice(["sk-", "ghp_", "xoxb-"]) + "".join(self.random.choice(alphabet) for _ in range(40))

    def make_password(self) -> str:
        return "".join(self.random.choice("abcdefghkmnpqrstuvwxyzABCDEFGHJK23456789!") for _ in range(11)) + "7k"

    def make_crypto(self) -> str:
        return self.random.choice([self.bitcoin, lambda: "0x" + "".join(self.random.choice("0123456789abcdef") for _ in range(40))])()

    def bitcoin(self) -> str:
        """A Base58Check address of random bytes."""
        import hashlib

        payload = b"\0" + self.random.randbytes(20)
        full = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        value, text = int.from_bytes(full, "big"), ""
        while value:
            value, rest = divmod(value, 58)
            text = alphabet[rest] + text
        return "1" + text

    def make_date(self) -> str:
        date = self.english.date_object()
        if self.language == "ja":
            return self.random.choice([f"{date.year}年{date.month}月{date.day}日", date.isoformat()])
        if self.language == "ko":
            return self.random.choice([f"{date.year}년 {date.month}월 {date.day}일", date.isoformat()])
        month = MONTHS[self.language].split()[date.month - 1]
        written = {
            "en": f"{month} {date.day}, {date.year}", "de": f"{date.day}. {month} {date.year}", "fr": f"{date.day} {month} {date.year}",
            "es": f"{date.day} de {month} de {date.year}", "it": f"{date.day} {month} {date.year}", "pt": f"{date.day} de {month} de {date.year}",
            "tr": f"{date.day} {month} {date.year}",
        }[self.language]  # fmt: skip
        digits = f"{date.month:02}/{date.day:02}/{date.year}" if self.language == "en" else f"{date.day:02}.{date.month:02}.{date.year}"
        return self.random.choice([written, digits, date.isoformat()])

    def make_national_id(self) -> str:
        """The number residents are known by, with its check digits."""
        faker, r = self.fakers[0], self.random
        match self.language:
            case "it" | "ko" | "tr":
                return faker.ssn()
            case "fr":
                first = f"{r.choice('12')}{r.randint(40, 99)}{r.randint(1, 12):02}{r.randint(1, 95):02}{r.randint(1, 900):03}{r.randint(1, 900):03}"
                return first + f"{97 - int(first) % 97:02}"
            case "pt":
                number = faker.cpf()
                return number
            case "es":
                return faker.nif()
            case "de":
                return self.german_tax_id()
            case "ja":
                digits = [r.randint(0, 9) for _ in range(11)]
                rest = weighted(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
                return "".join(map(str, digits)) + str(0 if rest <= 1 else 11 - rest)
        return faker.ssn()

    def german_tax_id(self) -> str:
        r = self.random
        pool = r.sample(range(10), 9)
        digits = pool + [r.choice(pool)]
        r.shuffle(digits)
        if digits[0] == 0:
            digits[0], digits[1] = digits[1], digits[0]
        if digits[0] == 0:
            return self.german_tax_id()
        product = 10
        for digit in digits:
            total = (digit + product) % 10 or 10
            product = total * 2 % 11
        return "".join(map(str, digits)) + str((11 - product) % 10)


FIELD = re.compile(r"\{\{(\w+)\}\}")


def fill(template: str, values: Values, language: str, part: str) -> Sample:
    text, spans, position = "", [], 0
    for match in FIELD.finditer(template):
        text += template[position : match.start()]
        value = values.make(match.group(1))
        spans.append((len(text), len(text) + len(value), CATEGORIES[match.group(1)]))
        text += value
        position = match.end()
    return Sample(text + template[position:], spans, language, part)


def templates(language: str) -> list[tuple[str, str]]:
    """(part, template): `tune` templates may be looked at while the detector is written, `test` ones are for the figures only."""
    part, found = "tune", []
    for line in (HERE / "templates" / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            part = line[2:]
        elif line:
            found.append((part, line.replace("\\n", "\n")))
    return found


def presidio_templates() -> list[str]:
    """presidio-evaluator's English templates that hold fields this evaluation labels."""
    from presidio_evaluator.data_generator import raw_data_dir

    alias = {
        "person": "name", "name_male": "name", "name_female": "name", "first_name_male": "first_name", "first_name_female": "first_name",
        "first_name_nonbinary": "first_name", "last_name_male": "last_name", "last_name_female": "last_name", "credit_card_number": "credit_card",
        "organization": "company", "ip_address": "ip", "date_time": "date", "date_of_birth": "date",
    }  # fmt: skip
    found = []
    for line in (Path(raw_data_dir) / "templates.txt").read_text(encoding="utf-8", errors="replace").splitlines():
        line = FIELD.sub(lambda m: "{{" + alias.get(m.group(1), m.group(1)) + "}}", line.strip())
        if line and all(name in CATEGORIES for name in FIELD.findall(line)):
            found.append(line.replace("\\n", "\n"))
    return found


def generate(languages: list[str], each: int, seed: int, part: str | None) -> list[Sample]:
    """`each` samples of every template, and the negatives of every language."""
    samples = []
    for language in languages:
        values = Values(language, seed)
        for kind, template in templates(language):
            if part in (None, kind):
                samples += [fill(template, values, language, kind) for _ in range(each)]
        if language == "en" and part in (None, "test"):
            for template in presidio_templates():
                samples += [fill(template, values, language, "test") for _ in range(max(1, each // 5))]
        for line in (HERE / "negatives" / f"{language}.txt").read_text(encoding="utf-8").splitlines():
            samples.append(Sample(line, [], language, "test"))
    return samples
