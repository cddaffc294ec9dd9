public import GatewayCore
import GatewayPII

/// Configuration of `ai-sanitizer`. Names, types, limits and defaults: Kong 3.15.
///
/// Detection runs in this process: where Kong's service would be found is accepted and has no effect. What this build does not do yet is refused, so that nobody
/// believes himself protected.
public struct AISanitizerConfiguration: GatewayConfiguration, Hashable {
    /// What is looked for; Kong's default `all_and_credentials` has to be spelt out here.
    public let anonymize: [Category]
    public let mode: Mode
    public let redaction: Redaction
    /// Whether placeholders in answers become the originals again. Default true.
    public let recoversRedacted: Bool
    /// Whether a request with personal data is refused instead. Default false.
    public let blocksIfDetected: Bool
    /// Whether all messages are looked at, not only the last. Default true.
    public let looksAtHistory: Bool
    public let customPatterns: [CustomPattern]

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

        /// nil: not detected in this build.
        var detected: PIICategory? {
            switch self {
            case .all, .allAndCredentials, .general, .nrp: nil
            case .bank: .bank
            case .credentials: .credentials
            case .creditcard: .creditCard
            case .crypto: .crypto
            case .custom: .custom
            case .date: .date
            case .domain: .domain
            case .driverlicense: .driverLicense
            case .email: .email
            case .ip: .ip
            case .medical: .medical
            case .nationalid: .nationalID
            case .passport: .passport
            case .phone: .phone
            case .ssn: .ssn
            case .url: .url
            }
        }
    }

    var categories: PIICategories { self.anonymize.compactMap(\.detected).reduce(into: []) { $0.insert(PIICategories($1)) } }

    public init(from node: inout ConfigurationNode) {
        self.anonymize = node.choices("anonymize", default: [.allAndCredentials])
        self.mode = node.choice("sanitization_mode", default: .input)
        self.redaction = node.choice("redact_type", default: .placeholder)
        self.recoversRedacted = node.bool("recover_redacted", default: true)
        self.blocksIfDetected = node.bool("block_if_detected", default: false)
        self.looksAtHistory = node.bool("allow_all_conversation_history", default: true)
        self.customPatterns = node.objects("custom_patterns", count: 1...Int.max) { pattern in
            CustomPattern(name: pattern.requiredString("name"), regex: pattern.optionalPattern("regex", options: GuardPatterns.options) ?? "", score: pattern.number("score", default: 0.5, in: 0...1))
        }
        // Kong's service: accepted, of no use here.
        _ = (node.optionalString("host"), node.optionalNumber("port"), node.optionalString("scheme"), node.optionalNumber("timeout"), node.optionalNumber("keepalive_timeout"))
        _ = (node.optionalBool("stop_on_error"), node.optionalBool("skip_logging_sanitized_items"))
        node.warnWithoutEffect("host", "port", "scheme", "timeout", "keepalive_timeout", "stop_on_error", "skip_logging_sanitized_items")
        self.refuseUnserved(&node)
    }

    private func refuseUnserved(_ node: inout ConfigurationNode) {
        let missing = self.anonymize.filter { $0.detected == nil }.map(\.rawValue)
        if !missing.isEmpty {
            node.report(
                "\(missing.joined(separator: ", ")) cannot be served yet: names, places, organizations and nationalities are not detected", at: "anonymize",
                hint: "list the others: phone, email, creditcard, …")
        }
        if self.mode != .input { node.report("\(self.mode.rawValue) is not served yet; INPUT is", at: "sanitization_mode") }
        if self.redaction == .synthetic { node.report("synthetic is not served yet; placeholder is", at: "redact_type") }
        if self.anonymize.contains(.custom), self.customPatterns.isEmpty { node.report("custom needs custom_patterns", at: "anonymize") }
    }
}
