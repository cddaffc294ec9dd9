public import GatewayCore
import GatewayPII
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-sanitizer`: replaces personal data in prompts and answers, or refuses them, and puts the originals of a prompt back into its answer.
/// Behaviour: https://developer.konghq.com/plugins/ai-sanitizer/
///
/// Detection runs in this process, or in Kong's service where one is named. Originals live with the request and are recorded nowhere unless
/// `skip_logging_sanitized_items: false` is written.
public final class AISanitizer: RequestPlugin, ResponsePlugin, StreamPlugin {
    public static let descriptor = PluginDescriptor(
        name: "ai-sanitizer", priority: 776, auditPath: "ai.sanitizer",
        counted: [CountedField(Field.restored.key, Instruments.sanitizerRestored), CountedField(Field.unknown.key, Instruments.sanitizerUnknown)], changesText: true)

    public enum Field: EvidenceField {
        case identified, sanitized
        /// Milliseconds spent on finding and replacing.
        case duration
        /// The types found, comma-separated: a closed set; and how many of each.
        case types, counts
        case blockSource, triggeredCount
        /// What was replaced by what; only where asked for.
        case items
        /// The same of answers.
        case outputIdentified, outputSanitized, outputDuration, outputTypes, outputCounts, outputBlockSource, outputTriggeredCount
        /// Replacements of the answer that became originals, and those that stand for nothing any more.
        case restored, unknown
        /// Why the text was let through unseen (`stop_on_error: false`).
        case error

        public var key: StaticString {
            switch self {
            case .identified: "pellucid.sanitizer.pii_identified"
            case .sanitized: "pellucid.sanitizer.pii_sanitized"
            case .duration: "pellucid.sanitizer.duration"
            case .types: "pellucid.sanitizer.entity_types"
            case .counts: "pellucid.sanitizer.entity_counts"
            case .blockSource: "pellucid.sanitizer.input_block_source"
            case .triggeredCount: "pellucid.sanitizer.guards_triggered_count"
            case .items: "pellucid.sanitizer.sanitized_items"
            case .outputIdentified: "pellucid.sanitizer.output_pii_identified"
            case .outputSanitized: "pellucid.sanitizer.output_pii_sanitized"
            case .outputDuration: "pellucid.sanitizer.output_duration"
            case .outputTypes: "pellucid.sanitizer.output_entity_types"
            case .outputCounts: "pellucid.sanitizer.output_entity_counts"
            case .outputBlockSource: "pellucid.sanitizer.output_block_source"
            case .outputTriggeredCount: "pellucid.sanitizer.output_guards_triggered_count"
            case .restored: "pellucid.sanitizer.restored_count"
            case .unknown: "pellucid.sanitizer.unknown_placeholder_count"
            case .error: "pellucid.sanitizer.error"
            }
        }
    }

    let configuration: AISanitizerConfiguration
    let finder: PIIFinder
    let service: PIIService?
    let instanceID: String
    /// Keeps synthetic values from being the same in every process.
    private let seed = UInt64.random(in: 0...UInt64.max)

    public init(configuration: AISanitizerConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.finder = try PIIFinder(configuration, services)
        self.service = configuration.service.map { _ in PIIService(http: services.http, configuration: configuration) }
        self.instanceID = services.instanceID
    }

    var cleansRequests: Bool { self.configuration.mode != .output }
    var cleansAnswers: Bool { self.configuration.mode != .input }

    /// An empty redaction in the configured style, beyond the placeholders that a text holds already.
    func redaction(first: @autoclosure () -> Int) -> Redaction { Redaction(self.configuration.redaction == .placeholder ? .placeholder(first: first()) : .synthetic(seed: self.seed)) }

    // MARK: Requests

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AISanitizer>) async throws(PluginFailure) -> RequestVerdict {
        guard self.cleansRequests else { return .pass }
        let document: JSONDocument
        switch await PromptBody.read(&request, limit: 0) {
        case .success(let read): document = read
        case .failure(let refusal): return .reject(refusal.rejection)
        }
        let start = MonotonicClock.now()
        let prompt = PromptReader.read(document.root)
        // Texts beside the messages, such as Anthropic's `system`, may stand behind them.
        let last = self.configuration.looksAtHistory ? nil : prompt.parts.map(\.message).max()
        let parts = prompt.parts.filter { last == nil || $0.message == last }
        let texts = parts.map { part in part.view.text.map { Array($0.readableBytesView) } ?? [] }
        let forms: [TextForm] = parts.map { $0.kind == .toolArguments ? .call : .sniffed }
        var redaction = self.redaction(first: Redaction.firstFree(in: document.bytes))
        let cleaned: Cleaned
        do {
            cleaned = try await self.clean(texts, forms, &redaction, &context)
        } catch {
            if self.configuration.stopsOnError { throw error }
            context.set(.error, .name(error.code))
            return .pass
        }
        let total = cleaned.counts.total
        context.set(.identified, .int(Int64(total)))
        context.set(.duration, .int(Int64((MonotonicClock.now() &- start) / 1_000_000)))
        guard total > 0 else { return .pass }
        context.set(.types, .string(cleaned.counts.types))
        context.set(.counts, .string(cleaned.counts.listed))
        if self.configuration.blocksIfDetected {
            context.set(.blockSource, .name("ai-sanitizer"))
            context.set(.triggeredCount, .int(1))
            return .reject(Self.refusal(cleaned.counts))
        }
        context.set(.sanitized, .int(Int64(total)))
        if self.configuration.logsItems { context.set(.items, .string(Self.listed(redaction.entries))) }
        var splice = JSONSplice(document.bytes)
        for (index, part) in parts.enumerated() where cleaned.texts[index] != texts[index] {
            guard splice.replace(part.view, string: ByteBuffer(bytes: cleaned.texts[index])) else { throw PluginFailure("redaction_overlap") }
        }
        request.body = .bytes(splice.apply())
        if self.configuration.recoversRedacted || self.cleansAnswers { request.leave(redaction, for: self.instanceID) }
        return .modified
    }

    static func refusal(_ counts: PIICounts) -> Rejection {
        Rejection(status: 400, code: "pii_detected", message: "PII detected: \(counts.shown)", shape: PromptFormat.openai.refusalShape)
    }

    /// Texts without their personal data.
    struct Cleaned {
        var texts: [[UInt8]] = []
        var counts = PIICounts()
    }

    /// Replaces what is found in texts of one message or answer.
    func clean(
        _ texts: [[UInt8]], _ forms: [TextForm], _ redaction: inout Redaction, _ context: inout StageContext<AISanitizer>
    ) async throws(PluginFailure) -> Cleaned {
        var cleaned = Cleaned()
        guard let service = self.service else {
            var cleaner = PromptCleaner(self.finder, redaction)
            for (text, form) in zip(texts, forms) { cleaned.texts.append(try cleaner.cleaned(text, form)) }
            cleaned.counts = cleaner.counts
            redaction = cleaner.redaction
            return cleaned
        }
        guard texts.contains(where: { !ServedTexts.saysNothing($0) }) else { return Cleaned(texts: texts) }
        let served = ServedTexts(texts, forms)
        let answer = try await context.call(service, served.query)
        cleaned.texts = served.texts(answer)
        for item in served.items(answer) {
            let category = PIIService.category(item.entityType)
            cleaned.counts.add(category)
            redaction.add(Redaction.Entry(original: item.original, replacement: item.replacement, category: category))
        }
        return cleaned
    }

    /// What Kong's log holds of sanitized items: type, original, replacement.
    private static func listed(_ entries: [Redaction.Entry]) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for entry in entries {
            writer.beginObject()
            writer.key("entity_type")
            writer.string(entry.category.entityType)
            writer.key("original_text")
            writer.string(ByteBuffer(bytes: entry.original))
            writer.key("redact_text")
            writer.string(ByteBuffer(bytes: entry.replacement))
            writer.endObject()
        }
        writer.endArray()
        return String(buffer: writer.buffer)
    }
}
