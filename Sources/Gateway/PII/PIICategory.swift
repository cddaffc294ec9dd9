/// A kind of personal data: Kong's `anonymize` names, with `general` taken apart.
public enum PIICategory: UInt8, Sendable, Hashable, CaseIterable {
    case person, location, organization
    case phone, email, creditCard, crypto, date, ip, nrp, ssn, domain, url, medical, driverLicense, passport, bank, nationalID, custom, credentials

    /// The entity type in evidence, as Kong's service names them.
    public var entityType: StaticString {
        switch self {
        case .person: "PERSON"
        case .location: "LOCATION"
        case .organization: "ORGANIZATION"
        case .phone: "PHONE_NUMBER"
        case .email: "EMAIL_ADDRESS"
        case .creditCard: "CREDIT_CARD"
        case .crypto: "CRYPTO"
        case .date: "DATE_TIME"
        case .ip: "IP_ADDRESS"
        case .nrp: "NRP"
        case .ssn: "SSN"
        case .domain: "DOMAIN_NAME"
        case .url: "URL"
        case .medical: "MEDICAL"
        case .driverLicense: "DRIVER_LICENSE"
        case .passport: "PASSPORT"
        case .bank: "BANK"
        case .nationalID: "NATIONAL_ID"
        case .custom: "CUSTOM"
        case .credentials: "CREDENTIALS"
        }
    }
}

/// A set of categories.
public struct PIICategories: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(_ category: PIICategory) { self.rawValue = 1 << UInt32(category.rawValue) }

    public static let all = PIICategories(rawValue: (1 << UInt32(PIICategory.allCases.count)) - 1)

    /// People, places, organizations, nationalities and beliefs.
    public static let names: PIICategories = [PIICategories(.person), PIICategories(.location), PIICategories(.organization), PIICategories(.nrp)]

    public func contains(_ category: PIICategory) -> Bool { self.rawValue & (1 << UInt32(category.rawValue)) != 0 }
}

/// One finding: bytes of the text, what they are, and how sure that is.
public struct PIISpan: Sendable, Hashable {
    /// Byte offsets; always between whole characters.
    public var range: Range<Int>
    public let category: PIICategory
    /// 1 to 100. Checksums and fixed prefixes are 90 and more, shapes with context 60 and more.
    public let score: UInt8

    public init(range: Range<Int>, category: PIICategory, score: UInt8) {
        self.range = range
        self.category = category
        self.score = score
    }
}
