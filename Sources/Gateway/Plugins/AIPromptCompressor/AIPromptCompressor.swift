public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-prompt-compressor`: shortens the texts of prompts before a model is paid for them. Behaviour: https://developer.konghq.com/plugins/ai-prompt-compressor/
///
/// Texts with `<LLMLINGUA>` tags are compressed between the tags only. Tool definitions, arguments and results are never touched. Runs right before ai-proxy, which
/// takes the prompt over (Kong's priority is one lower, because its ai-proxy sends later).
public final class AIPromptCompressor: RequestPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-prompt-compressor", priority: 771, auditPath: "ai.compressor", changesText: true)

    public enum Field: EvidenceField {
        /// Milliseconds spent on it.
        case duration
        /// Tokens of the texts looked at, before and after, and the difference; counted by this gateway or the service, not by the model.
        case originalTokens, compressedTokens, savedTokens
        /// What the tokens saved would have cost with the model that was asked, USD; absent where its price is not known.
        case savedCost
        /// Texts that became shorter.
        case compressedCount
        case type
        /// Who compressed: `pellucid` or `service`.
        case compressor
        /// Per text: message, counts, type and value, as Kong logs them; no content.
        case items
        /// Texts before and after; only with `log_text_data`.
        case originalText, compressedText
        /// Why the prompt was let through as it was (`stop_on_error: false`).
        case error

        public var key: StaticString {
            switch self {
            case .duration: "pellucid.compressor.duration"
            case .originalTokens: "pellucid.compressor.original_token_count"
            case .compressedTokens: "pellucid.compressor.compress_token_count"
            case .savedTokens: "pellucid.compressor.save_token_count"
            case .savedCost: "pellucid.compressor.save_cost"
            case .compressedCount: "pellucid.compressor.compressed_count"
            case .type: "pellucid.compressor.compress_type"
            case .compressor: "pellucid.compressor.compressor_model"
            case .items: "pellucid.compressor.compress_items"
            case .originalText: "pellucid.compressor.original_text"
            case .compressedText: "pellucid.compressor.compress_text"
            case .error: "pellucid.compressor.error"
            }
        }
    }

    private let configuration: AIPromptCompressorConfiguration
    private let compressor = PromptCompressor()
    private let service: CompressorService?

    public init(configuration: AIPromptCompressorConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.service = configuration.serviceURL.map { _ in CompressorService(http: services.http, configuration: configuration) }
    }

    /// A text of the prompt and what became of it.
    private struct Item {
        let message: Int
        let view: JSONView
        let text: [UInt8]
        var result: [UInt8]
        var originalTokens = 0
        var tokens = 0
        var value: Double?
    }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AIPromptCompressor>) async throws(PluginFailure) -> RequestVerdict {
        let document: JSONDocument
        switch await PromptBody.read(&request, limit: 0) {
        case .success(let read): document = read
        case .failure(let refusal): return .reject(refusal.rejection)
        }
        let start = MonotonicClock.now()
        var items: [Item] = []
        for part in PromptReader.read(document.root).parts where part.kind == .content && self.wants(part.role) {
            let text = part.view.text.map { Array($0.readableBytesView) } ?? []
            items.append(Item(message: part.message + 1, view: part.view, text: text, result: text))
        }
        do {
            if let service { try await self.ask(service, &items, &context) } else { for index in items.indices { self.compress(&items[index]) } }
        } catch {
            if self.configuration.stopsOnError { throw error }
            context.set(.error, .name(error.code))
            return .pass
        }
        let saved = self.record(items, since: start, &context)
        if saved > 0 { request.leave(SavedTokens(saved, plugin: Self.descriptor.name, costKey: Field.savedCost.key), for: SavedTokens.noteID) }
        var splice = JSONSplice(document.bytes)
        for item in items where item.result != item.text {
            guard splice.replace(item.view, string: ByteBuffer(bytes: item.result)) else { throw PluginFailure("compression_overlap") }
        }
        if splice.isEmpty { return .pass }
        request.body = .bytes(splice.apply())
        return .modified
    }

    private func wants(_ role: PromptPart.Role) -> Bool {
        switch role {
        case .user: self.configuration.messageTypes.contains(.user)
        case .assistant: self.configuration.messageTypes.contains(.assistant)
        case .system: self.configuration.messageTypes.contains(.system)
        case .tool, .other: false
        }
    }

    // MARK: In this process

    private func compress(_ item: inout Item) {
        guard let sections = TaggedText.sections(item.text) else {
            let (text, before, after, value) = self.compress(item.text)
            (item.result, item.originalTokens, item.tokens, item.value) = (text, before, after, value)
            return
        }
        var output: [UInt8] = []
        for section in sections {
            guard section.isTagged else {
                output += item.text[section.range]
                continue
            }
            let (text, before, after, value) = self.compress(Array(item.text[section.range]))
            output += text
            item.originalTokens += before
            item.tokens += after
            item.value = value ?? item.value
        }
        item.result = output
    }

    private func compress(_ text: [UInt8]) -> (text: [UInt8], before: Int, after: Int, value: Double?) {
        let tokens = self.compressor.tokens(of: text)
        guard let range = self.configuration.range(for: tokens) else { return (text, tokens, tokens, nil) }
        let keep = self.configuration.kind == .rate ? Int((Double(tokens) * range.value).rounded(.up)) : Int(range.value)
        guard keep < tokens else { return (text, tokens, tokens, nil) }
        let result = self.compressor.compress(text, keep: keep)
        return (result.text, tokens, result.tokens, range.value)
    }

    // MARK: By the service

    private func ask(_ service: CompressorService, _ items: inout [Item], _ context: inout StageContext<AIPromptCompressor>) async throws(PluginFailure) {
        let asked = items.indices.filter { items[$0].text.contains { $0 > 0x20 } }
        guard !asked.isEmpty else { return }
        let results = try await context.call(service, asked.map { items[$0].text })
        for (position, index) in asked.enumerated() {
            guard let result = results[position] else { continue }
            (items[index].result, items[index].originalTokens, items[index].tokens) = (result.text, result.originalTokens, result.tokens)
        }
    }

    // MARK: Evidence

    /// - Returns: the tokens saved.
    private func record(_ items: [Item], since start: UInt64, _ context: inout StageContext<AIPromptCompressor>) -> Int {
        let before = items.reduce(0) { $0 + $1.originalTokens }, after = items.reduce(0) { $0 + $1.tokens }
        context.set(.duration, .int(Int64((MonotonicClock.now() &- start) / 1_000_000)))
        context.set(.originalTokens, .int(Int64(before)))
        context.set(.compressedTokens, .int(Int64(after)))
        context.set(.savedTokens, .int(Int64(before - after)))
        context.set(.compressedCount, .int(Int64(items.count { $0.result != $0.text })))
        context.set(.type, .string(self.configuration.kind.rawValue))
        context.set(.compressor, .name(self.service == nil ? "pellucid" : "service"))
        context.set(.items, .string(self.listed(items)))
        guard self.configuration.logsText else { return before - after }
        context.set(.originalText, .string(items.map { String(decoding: $0.text, as: UTF8.self) }.joined(separator: "\n")))
        context.set(.compressedText, .string(items.map { String(decoding: $0.result, as: UTF8.self) }.joined(separator: "\n")))
        return before - after
    }

    private func listed(_ items: [Item]) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for item in items {
            writer.beginObject()
            writer.key("msg_id")
            writer.number(item.message)
            writer.key("original_token_count")
            writer.number(item.originalTokens)
            writer.key("compress_token_count")
            writer.number(item.tokens)
            writer.key("save_token_count")
            writer.number(item.originalTokens - item.tokens)
            if let value = item.value {
                writer.key("compress_type")
                writer.string(self.configuration.kind.rawValue)
                writer.key("compress_value")
                writer.number(value)
            }
            writer.endObject()
        }
        writer.endArray()
        return String(buffer: writer.buffer)
    }
}

/// Texts with `<LLMLINGUA>…</LLMLINGUA>` in them.
enum TaggedText {
    /// Bytes of a text between its tags or beside them; the tags themselves are in none.
    struct Section: Equatable {
        let range: Range<Int>
        let isTagged: Bool
    }

    private static let open = Array("<LLMLINGUA>".utf8)
    private static let close = Array("</LLMLINGUA>".utf8)

    /// nil: the text has no pair of tags, and is compressed as a whole.
    static func sections(_ text: [UInt8]) -> [Section]? {
        var sections: [Section] = []
        var position = 0
        while let start = self.find(self.open, in: text, from: position), let end = self.find(self.close, in: text, from: start + self.open.count) {
            if start > position { sections.append(Section(range: position..<start, isTagged: false)) }
            sections.append(Section(range: (start + self.open.count)..<end, isTagged: true))
            position = end + self.close.count
        }
        guard position > 0 else { return nil }
        if position < text.count { sections.append(Section(range: position..<text.count, isTagged: false)) }
        return sections
    }

    private static func find(_ tag: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        var i = start
        while i + tag.count <= text.count {
            if text[i] == 0x3C, text[i..<(i + tag.count)].elementsEqual(tag) { return i }
            i += 1
        }
        return nil
    }
}
