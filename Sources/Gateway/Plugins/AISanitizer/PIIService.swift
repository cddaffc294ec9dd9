import GatewayCore
import GatewayPII
import GatewayWire
import NIOCore

/// Kong's AI PII Anonymizer service: texts in, sanitized texts and what was replaced in them out.
///
/// `POST /llm/v1/sanitize` with `{"text":[{"text","msg_id"}],"anonymize":[],"options":{"redact_type"},"custom_patterns":[]}`; the answer holds `text[]` with `sanitized_text`
/// and `analyzer_results[]` of `entity_type`, `original_text`, `redact_text`. Source: the service's own tests and https://developer.konghq.com/plugins/ai-sanitizer/.
struct PIIService: OutsideService {
    static let callName: StaticString = "sanitize pii"

    let http: HTTPService
    let configuration: AISanitizerConfiguration

    struct Item: Sendable {
        /// Number of the text it was found in.
        let text: Int
        let entityType: String
        let original: [UInt8]
        let replacement: [UInt8]
    }

    struct Answer: Sendable {
        var texts: [[UInt8]] = []
        var items: [Item] = []
    }

    func ask(_ query: [[UInt8]], _ permit: inout CallPermit) async throws(PluginFailure) -> Answer {
        guard let service = self.configuration.service else { throw PluginFailure("no_service") }
        let call = HTTPCall(
            url: service.url, headers: [("Content-Type", "application/json")], body: self.body(query), connectTimeoutMilliseconds: service.timeoutMilliseconds,
            totalTimeoutMilliseconds: service.timeoutMilliseconds, maximumResponseBytes: 32 << 20)
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch { throw error.pluginFailure }
        guard answer.status == 200 else { throw PluginFailure("pii_service_status", message: "the PII service answered \(answer.status)") }
        guard let document = try? JSONDocument(answer.body), let read = Self.read(document.root, count: query.count) else {
            throw PluginFailure("pii_service_answer", message: "the PII service's answer is not of its form")
        }
        return read
    }

    private func body(_ texts: [[UInt8]]) -> ByteBuffer {
        var writer = JSONWriter(capacity: texts.reduce(256) { $0 + $1.count })
        writer.beginObject()
        writer.key("text")
        writer.beginArray()
        for (index, text) in texts.enumerated() {
            writer.beginObject()
            writer.key("text")
            writer.string(ByteBuffer(bytes: text))
            writer.key("msg_id")
            writer.number(index + 1)
            writer.endObject()
        }
        writer.endArray()
        writer.key("anonymize")
        writer.beginArray()
        for category in self.configuration.anonymize { writer.string(category.rawValue) }
        writer.endArray()
        writer.key("options")
        writer.beginObject()
        writer.key("redact_type")
        writer.string(self.configuration.redaction.rawValue)
        writer.endObject()
        if !self.configuration.customPatterns.isEmpty {
            writer.key("custom_patterns")
            writer.beginArray()
            for pattern in self.configuration.customPatterns {
                writer.beginObject()
                writer.key("name")
                writer.string(pattern.name)
                writer.key("regex")
                writer.string(pattern.regex)
                writer.key("score")
                writer.number(pattern.score)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.buffer
    }

    /// nil: a text is missing, so that it would go on as it came.
    private static func read(_ root: JSONView, count: Int) -> Answer? {
        guard let texts = root["text"], texts.kind == .array else { return nil }
        var byID: [Int: [UInt8]] = [:]
        var answer = Answer()
        for (position, text) in texts.elements.enumerated() {
            guard let sanitized = text["sanitized_text"]?.text else { return nil }
            let id = text["msg_id"]?.int ?? position + 1
            byID[id] = Array(sanitized.readableBytesView)
            guard let results = text["analyzer_results"], results.kind == .array else { continue }
            for result in results.elements {
                guard let original = result["original_text"]?.text, let replacement = result["redact_text"]?.text else { continue }
                answer.items.append(
                    Item(text: id &- 1, entityType: result["entity_type"]?.string ?? "", original: Array(original.readableBytesView), replacement: Array(replacement.readableBytesView)))
            }
        }
        for id in 1...max(1, count) where id <= count {
            guard let text = byID[id] ?? (count == 1 ? byID.values.first : nil) else { return nil }
            answer.texts.append(text)
        }
        return answer
    }

    /// The category of an entity type of presidio's, which the service speaks.
    static func category(_ entityType: String) -> PIICategory {
        for category in PIICategory.allCases where "\(category.entityType)" == entityType { return category }
        switch entityType {
        case "GPE", "ADDRESS", "STREET_ADDRESS": return .location
        case "ORG": return .organization
        case "PASSWORD": return .credentials
        case "IBAN_CODE", "US_BANK_NUMBER", "IT_VAT_CODE": return .bank
        case "UK_NHS", "MEDICAL_LICENSE", "AU_MEDICARE": return .medical
        case "US_SSN", "US_ITIN", "ES_NIF", "ES_NIE", "AU_ABN", "AU_ACN", "AU_TFN", "UK_NINO": return .ssn
        default: break
        }
        if entityType.hasSuffix("PASSPORT") || entityType.hasSuffix("PASSPORT_NUMBER") { return .passport }
        if entityType.hasSuffix("DRIVER_LICENSE") { return .driverLicense }
        return ["IN_", "PL_", "SG_", "IT_", "KR_", "FI_", "BR_", "TR_"].contains { entityType.hasPrefix($0) } ? .nationalID : .custom
    }
}
