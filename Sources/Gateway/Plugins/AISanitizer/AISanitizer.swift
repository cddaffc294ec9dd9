public import GatewayCore
import GatewayPII
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-sanitizer`: replaces personal data in prompts by placeholders, or refuses them, and puts the originals back into the answer.
/// Behaviour: https://developer.konghq.com/plugins/ai-sanitizer/
///
/// Originals are recorded nowhere; they live with the request. Numbers and codes are detected, names are not (see ``AISanitizerConfiguration``).
public final class AISanitizer: RequestPlugin, ResponsePlugin, StreamPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-sanitizer", priority: 776, auditPath: "ai.sanitizer")

    public enum Field: EvidenceField {
        case identified, sanitized
        /// Milliseconds spent on finding and replacing.
        case duration
        /// The types found, comma-separated: a closed set.
        case types
        case blockSource, triggeredCount
        /// Placeholders of the answer that became originals, and those that stand for nothing.
        case restored, unknown

        public var key: StaticString {
            switch self {
            case .identified: "pellucid.sanitizer.pii_identified"
            case .sanitized: "pellucid.sanitizer.pii_sanitized"
            case .duration: "pellucid.sanitizer.duration"
            case .types: "pellucid.sanitizer.entity_types"
            case .blockSource: "pellucid.sanitizer.input_block_source"
            case .triggeredCount: "pellucid.sanitizer.guards_triggered_count"
            case .restored: "pellucid.sanitizer.restored_count"
            case .unknown: "pellucid.sanitizer.unknown_placeholder_count"
            }
        }
    }

    let configuration: AISanitizerConfiguration
    private let detector: PIIDetector
    private let patterns: [any CompiledPattern]
    let instanceID: String

    public init(configuration: AISanitizerConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.detector = PIIDetector(categories: configuration.categories)
        let wantsCustom = configuration.anonymize.contains(.custom)
        self.patterns = try GuardPatterns.compile(wantsCustom ? configuration.customPatterns.map(\.regex) : [], field: "custom_patterns", services)
        self.instanceID = services.instanceID
    }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AISanitizer>) async throws(PluginFailure) -> RequestVerdict {
        let document: JSONDocument
        switch await PromptBody.read(&request, limit: 0) {
        case .success(let read): document = read
        case .failure(let refusal): return .reject(refusal.rejection)
        }
        let start = MonotonicClock.now()
        var redaction = Redaction(first: Redaction.firstFree(in: document.bytes))
        var splice = JSONSplice(document.bytes)
        var counts: [PIICategory: Int] = [:]
        let prompt = PromptReader.read(document.root, as: .openai)
        let last = self.configuration.looksAtHistory ? nil : prompt.parts.last?.message
        for part in prompt.parts where last == nil || part.message == last {
            guard let text = part.view.text.map({ Array($0.readableBytesView) }) else { continue }
            let spans = try self.find(text)
            guard !spans.isEmpty else { continue }
            for span in spans { counts[span.category, default: 0] += 1 }
            guard splice.replace(part.view, string: redaction.redact(text, spans.map(\.range))) else { throw PluginFailure("redaction_overlap") }
        }
        let total = counts.values.reduce(0, +)
        context.set(.identified, .int(Int64(total)))
        context.set(.duration, .int(Int64((MonotonicClock.now() &- start) / 1_000_000)))
        guard total > 0 else { return .pass }
        let types = counts.sorted { $0.key.rawValue < $1.key.rawValue }
        context.set(.types, .string(types.map { "\($0.key.entityType)" }.joined(separator: ",")))
        if self.configuration.blocksIfDetected { return self.block(types, &context) }
        context.set(.sanitized, .int(Int64(total)))
        request.body = .bytes(splice.apply())
        if self.configuration.recoversRedacted { request.leave(redaction, for: self.instanceID) }
        return .modified
    }

    private func block(_ types: [(key: PIICategory, value: Int)], _ context: inout StageContext<AISanitizer>) -> RequestVerdict {
        context.set(.blockSource, .name("ai-sanitizer"))
        context.set(.triggeredCount, .int(1))
        let list = types.map { "\($0.key.entityType) (\($0.value))" }.joined(separator: ", ")
        return .reject(Rejection(status: 400, code: "pii_detected", message: "PII detected: \(list)", shape: PromptFormat.openai.refusalShape))
    }

    /// The findings of a text, those of custom patterns first.
    private func find(_ text: [UInt8]) throws(PluginFailure) -> [PIISpan] {
        let found = text.withUnsafeBytes { self.detector.detect($0) }
        guard !self.patterns.isEmpty else { return found }
        var custom: [PIISpan] = []
        for pattern in self.patterns {
            let result: Result<[PIISpan], PatternFailure> = text.withUnsafeBytes { raw in
                var spans: [PIISpan] = [], position = 0
                do throws(PatternFailure) {
                    while position < raw.count, let range = try pattern.firstRange(in: raw, from: position) {
                        if !range.isEmpty { spans.append(PIISpan(range: range, category: .custom, score: 100)) }
                        position = max(range.upperBound, position + 1)
                    }
                    return .success(spans)
                } catch { return .failure(error) }
            }
            // A pattern that reaches its limits has not shown that nothing is there.
            guard case .success(let spans) = result else { throw PluginFailure("pattern_limit") }
            for span in spans where !custom.contains(where: { $0.range.overlaps(span.range) }) { custom.append(span) }
        }
        return (custom + found.filter { span in !custom.contains { $0.range.overlaps(span.range) } }).sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    // MARK: Unstreamed answers

    public var need: ResponseNeed { .body(limit: 8 << 20) }
    public var seesResponses: Bool { self.configuration.recoversRedacted && !self.configuration.blocksIfDetected }
    public var seesStreams: Bool { self.seesResponses }

    public func handle(_ response: inout GatewayResponse, _ context: inout StageContext<AISanitizer>) async throws(PluginFailure) -> ResponseVerdict {
        guard let redaction = response.notes?.note(of: self.instanceID, as: Redaction.self), !response.fields.contains(.contentEncoding),
            let document = try? JSONDocument(response.body), let choices = document["choices"]
        else { return .pass }
        var restorer = Restorer(redaction)
        var splice = JSONSplice(response.body)
        for choice in choices.elements {
            for part in PromptReader.read(message: choice).parts {
                guard let text = part.view.text else { continue }
                let bytes = Array(text.readableBytesView)
                let restored = restorer.restore(bytes, isJSON: part.kind == .toolArguments)
                if restored != bytes, !splice.replace(part.view, string: ByteBuffer(bytes: restored)) { throw PluginFailure("restore_overlap") }
            }
        }
        context.set(.restored, .int(Int64(restorer.restored)))
        if restorer.unknown > 0 { context.set(.unknown, .int(Int64(restorer.unknown))) }
        if splice.isEmpty { return .pass }
        response.body = splice.apply()
        return .modified
    }
}
