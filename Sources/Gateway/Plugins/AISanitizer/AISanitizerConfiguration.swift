public import GatewayCore
import GatewayPII

/// Configuration of `ai-sanitizer`. Names, types, limits and defaults: Kong 3.15.
///
/// Detection runs in this process unless `host` names Kong's service.
public struct AISanitizerConfiguration: GatewayConfiguration, Hashable {
    /// What is looked for. Default `all_and_credentials`.
    public let anonymize: [Category]
    public let mode: Mode
    public let redaction: Redaction
    /// Whether placeholders in answers become the originals again. Default true.
    public let recoversRedacted: Bool
    /// Whether a request with personal data is refused instead. Default false.
    public let blocksIfDetected: Bool
    /// Whether all messages are looked at, not only the last. Default true.
    public let looksAtHistory: Bool
    /// Searched for together in at most 200 ms a request or answer and 50 ms an event of a stream (``PatternBudget``); beyond, the text has not been looked at (``stopsOnError``).
    public let customPatterns: [CustomPattern]
    /// Whether a failure to look ends the request (or its answer), rather than letting the text pass as it is. Default true.
    public let stopsOnError: Bool
    /// Whether originals and what replaced them stand in the evidence. Only where `skip_logging_sanitized_items: false` is written.
    public let logsItems: Bool
    /// Kong's PII service; nil: this process looks itself.
    public let service: Service?

    public struct Service: Sendable, Hashable {
        public let url: String
        /// 0: no limit.
        public let timeoutMilliseconds: Int
    }

    /// A pattern of the operator's own.
    public struct CustomPattern: Sendable, Hashable {
        public let name: String
        public let regex: String
        /// 0 to 1; a match always counts.
        public let score: Double
    }

    public enum Mode: String, Sendable, Hashable, CaseIterable { case input = "INPUT", output = "OUTPUT", both = "BOTH" }
    public enum Redaction: String, Sendable, Hashable, CaseIterable { case placeholder, synthetic }

    public enum Category: String, Sendable, Hashable, CaseIterable {
        case all
        case allAndCredentials = "all_and_credentials"
        case bank, credentials, creditcard, crypto, custom, date, domain, driverlicense, email, general, ip, medical, nationalid, nrp, passport, phone, ssn, url

        var detected: PIICategories {
            switch self {
            // Kong's page: `all` is every field of its list, credentials among them.
            case .all, .allAndCredentials: .all
            case .general: [PIICategories(.person), PIICategories(.location), PIICategories(.organization)]
            case .bank: PIICategories(.bank)
            case .credentials: PIICategories(.credentials)
            case .creditcard: PIICategories(.creditCard)
            case .crypto: PIICategories(.crypto)
            case .custom: PIICategories(.custom)
            case .date: PIICategories(.date)
            case .domain: PIICategories(.domain)
            case .driverlicense: PIICategories(.driverLicense)
            case .email: PIICategories(.email)
            case .ip: PIICategories(.ip)
            case .medical: PIICategories(.medical)
            case .nationalid: PIICategories(.nationalID)
            case .nrp: PIICategories(.nrp)
            case .passport: PIICategories(.passport)
            case .phone: PIICategories(.phone)
            case .ssn: PIICategories(.ssn)
            case .url: PIICategories(.url)
            }
        }
    }

    var categories: PIICategories { self.anonymize.reduce(into: []) { $0.formUnion($1.detected) } }

    public init(from node: inout ConfigurationNode) {
        self.anonymize = node.choices("anonymize", default: [.allAndCredentials])
        self.mode = node.choice("sanitization_mode", default: .input)
        self.redaction = node.choice("redact_type", default: .placeholder)
        self.recoversRedacted = node.bool("recover_redacted", default: true)
        self.blocksIfDetected = node.bool("block_if_detected", default: false)
        self.looksAtHistory = node.bool("allow_all_conversation_history", default: true)
        self.stopsOnError = node.bool("stop_on_error", default: true)
        // Kong logs originals unless told not to; here they are logged only when that is spelt out.
        self.logsItems = node.optionalBool("skip_logging_sanitized_items").map { !$0 } ?? false
        self.customPatterns = node.objects("custom_patterns", count: 1...Int.max) { pattern in
            if !pattern.isPresent("regex") { pattern.report("is required", at: "regex") }
            return CustomPattern(name: pattern.requiredString("name"), regex: pattern.optionalPattern("regex", options: GuardPatterns.options) ?? "", score: pattern.number("score", default: 0.5, in: 0...1))
        }
        self.service = Self.service(from: &node)
        if self.anonymize.contains(.custom), self.customPatterns.isEmpty { node.report("custom needs custom_patterns", at: "anonymize") }
    }

    /// Kong's service is asked where its host is spelt out; without one the detector of this process works.
    private static func service(from node: inout ConfigurationNode) -> Service? {
        let host = node.optionalString("host", .nonEmpty), port = node.optionalInt("port", in: 0...65_535), scheme = node.optionalString("scheme")
        let timeout = node.milliseconds("timeout", default: 10_000)
        _ = node.optionalNumber("keepalive_timeout")
        if let scheme, scheme != "http", scheme != "https" { node.report("\"\(scheme)\" is neither http nor https", at: "scheme") }
        guard let host else {
            node.warnWithoutEffect("port", "scheme", "timeout", "keepalive_timeout")
            return nil
        }
        node.warnWithoutEffect("keepalive_timeout")
        return Service(url: "\(scheme ?? "http")://\(host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host):\(port ?? 8080)/llm/v1/sanitize", timeoutMilliseconds: timeout)
    }
}
