public import Telemetry

/// `_pellucid.redaction`: what is recorded, and what is taken out again before any log, span or audit line sees it.
public struct RedactionSettings: GatewayConfiguration, Hashable {
    /// Request headers recorded besides the few that always are; names in lower case. Values that look like credentials by their header's name are
    /// never shown.
    public let recordedRequestHeaders: [String]
    /// The same of responses.
    public let recordedResponseHeaders: [String]
    /// For every consumer of evidence.
    public let base: Rules
    /// On top, by consumer: audit, file-log, http-log, tcp-log, udp-log, syslog, otlp, otlp-logs, zipkin.
    public let consumers: [String: Rules]
    /// Key of the hash that stands for payloads with `payloads: hmac`. A secret.
    public let hmacKey: String?
    /// Whether personal data in recorded payloads is masked.
    public let masksPersonalData: Bool

    /// What is taken out.
    public struct Rules: GatewayConfiguration, Hashable {
        public let parts: Set<RedactionPolicy.Part>
        public let headers: Set<String>
        public let fields: [String]
        public let payloads: RedactionPolicy.Payloads

        public init(from node: inout ConfigurationNode) {
            var parts: Set<RedactionPolicy.Part> = []
            var headers: Set<String> = []
            var fields: [String] = []
            for word in node.strings("deny", .nonEmpty) {
                if let part = RedactionPolicy.Part(rawValue: word) {
                    parts.insert(part)
                } else if let header = Self.header(word) {
                    headers.insert(header)
                } else if word.contains(".") {
                    fields.append(word)
                } else {
                    node.report(
                        "\"\(word)\" is nothing that can be denied", at: "deny",
                        hint: "one of \(RedactionPolicy.Part.allCases.map(\.rawValue).joined(separator: ", ")), request.headers.NAME, response.headers.NAME, or a plugin's field such as pellucid.sanitizer.*")
                }
            }
            self.parts = parts
            self.headers = headers
            self.fields = fields
            self.payloads = node.choice("payloads", default: .keep)
        }

        /// `request.headers.NAME` and `response.headers.NAME` deny the name on both sides.
        private static func header(_ word: String) -> String? {
            for prefix in ["request.headers.", "response.headers."] where word.hasPrefix(prefix) && word.count > prefix.count {
                return word.dropFirst(prefix.count).lowercased()
            }
            return nil
        }
    }

    private static let consumerNames = ["audit", "file-log", "http-log", "tcp-log", "udp-log", "syslog", "otlp", "otlp-logs", "zipkin", "explain"]

    public init(from node: inout ConfigurationNode) {
        self.recordedRequestHeaders = node.strings("record_request_headers", .headerName).map { $0.lowercased() }
        self.recordedResponseHeaders = node.strings("record_response_headers", .headerName).map { $0.lowercased() }
        self.base = Rules(from: &node)
        let consumers = node.object("exporters") { (inner: inout ConfigurationNode) -> [String: Rules] in
            var found: [String: Rules] = [:]
            for name in Self.consumerNames {
                let rules: Rules? = inner.configuration(name)
                if let rules { found[name] = rules }
            }
            return found
        }
        self.consumers = consumers ?? [:]
        self.hmacKey = node.optionalString("hmac_key", .length(16...1_024), referenceable: true)
        self.masksPersonalData = node.bool("mask_pii", default: false)
        let usesHash = self.base.payloads == .hmac || self.consumers.values.contains { $0.payloads == .hmac }
        if usesHash, self.hmacKey == nil { node.report("payloads: hmac needs hmac_key", at: "hmac_key", hint: "16 characters or more, for instance {vault://env/NAME}") }
    }

    /// Whether prompts are recorded although no plugin logs them, because only their hash is shown.
    public var hashesPrompts: Bool { self.base.payloads == .hmac }
}
