import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Reads answers in OpenAI's format: chat completions, completions and embeddings, as a document or as a stream of chunks.
///
/// Format: https://platform.openai.com/docs/api-reference/chat/object and …/chat-streaming.
final class OpenAIResponseReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()
    private(set) var hasFailed = false
    private let hidesUsage: Bool
    private var hasIdentity = false

    init(hidesUsage: Bool) { self.hidesUsage = hidesUsage }

    func takeFacts() -> ModelResponseFacts {
        var taken = ModelResponseFacts()
        swap(&taken, &self.facts)
        return taken
    }

    // MARK: Stream

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition {
        guard data.count > 6, data[0] == UInt8(ascii: "{") else {
            if data.elementsEqual("[DONE]".utf8) { self.facts.isComplete = true }
            return .pass
        }
        if OpenAIResponseReader.isError(data) { self.hasFailed = true }
        if !self.hasIdentity { self.readIdentity(ByteBuffer(bytes: data)) }
        let marks = ChunkMarks(data)
        if marks.finishReason >= 0 { self.readFinishReasons(ByteBuffer(bytes: data)) }
        guard marks.usage >= 0, OpenAIResponseReader.isObject(data, after: marks.usage) else { return .pass }
        return self.readUsage(ByteBuffer(bytes: data))
    }

    /// An error instead of a chunk: by its beginning, since chunks have neither.
    @inline(__always)
    private static func isError(_ data: UnsafeRawBufferPointer) -> Bool {
        switch data[2] {
        case 0x65: self.begins(data, "{\"error\"")
        case 0x6F: self.begins(data, "{\"object\":\"error\"") || self.begins(data, "{\"object\": \"error\"")
        default: false
        }
    }

    private static func begins(_ data: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        data.count > text.utf8CodeUnitCount && UnsafeRawBufferPointer(rebasing: data[..<text.utf8CodeUnitCount]).isText(text)
    }

    /// Id and model stand in every chunk; the first one that has them is enough.
    private func readIdentity(_ bytes: ByteBuffer) {
        guard let document = try? JSONDocument(bytes) else { return }
        self.facts.id = document["id"]?.text
        self.facts.model = document["model"]?.text
        self.facts.serviceTier = document["service_tier"]?.text
        self.hasIdentity = self.facts.model != nil
    }

    private func readFinishReasons(_ bytes: ByteBuffer) {
        guard let choices = (try? JSONDocument(bytes))?["choices"] else { return }
        for choice in choices.elements {
            if let reason = choice["finish_reason"]?.text, (1...64).contains(reason.readableBytes) { self.add(finishReason: reason) }
        }
    }

    private func readUsage(_ bytes: ByteBuffer) -> EventDisposition {
        guard let document = try? JSONDocument(bytes), let usage = document["usage"], usage.kind == .object else { return .pass }
        self.read(usage)
        if let tier = document["service_tier"]?.text { self.facts.serviceTier = tier }
        guard self.hidesUsage, let choices = document["choices"], choices.kind == .array else { return .pass }
        // Only the chunk that exists for the usage alone is dropped; one that also carries content passes with it.
        var elements = choices.elements
        return elements.next() == nil ? .drop : .pass
    }

    // MARK: Document

    /// One walk over the answer, which is long where it matters and passed on as it is, whatever it holds.
    func document(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { raw in
            guard var walk = JSONWalk(raw) else { return }
            func text(_ range: Range<Int>?) -> ByteBuffer? { range.flatMap { bytes.getSlice(at: bytes.readerIndex + $0.lowerBound, length: $0.count) } }
            let isObject = walk.object { walk, key in
                switch key.count {
                case 2 where key.isText("id"): self.facts.id = text(walk.plainString())
                case 5 where key.isText("model"): self.facts.model = text(walk.plainString())
                case 5 where key.isText("usage"): self.readUsage(&walk)
                case 12 where key.isText("service_tier"): self.facts.serviceTier = text(walk.plainString())
                case 7 where key.isText("choices"):
                    _ = walk.array { walk in
                        _ = walk.object { walk, key in
                            guard key.count == 13, key.isText("finish_reason"), let reason = text(walk.plainString()) else { return }
                            self.add(finishReason: reason)
                        }
                    }
                default: return
                }
            }
            self.facts.isComplete = isObject && walk.isWhole
        }
        // What broke off says nothing reliable.
        if !self.facts.isComplete { self.facts = ModelResponseFacts() }
    }

    private func readUsage(_ walk: inout JSONWalk) {
        var usage = TokenUsage()
        var total: Int64 = 0
        let isObject = walk.object { walk, key in
            switch key.count {
            case 13 where key.isText("prompt_tokens"): usage.input = walk.tokens()
            case 17 where key.isText("completion_tokens"): usage.output = walk.tokens()
            case 12 where key.isText("total_tokens"): total = walk.tokens()
            case 21 where key.isText("prompt_tokens_details"):
                _ = walk.object { walk, key in
                    if key.isText("cached_tokens") { usage.cachedInput = walk.tokens() } else if key.isText("audio_tokens") { usage.inputAudio = walk.tokens() }
                }
            case 25 where key.isText("completion_tokens_details"):
                _ = walk.object { walk, key in
                    if key.isText("reasoning_tokens") { usage.reasoning = walk.tokens() } else if key.isText("audio_tokens") { usage.outputAudio = walk.tokens() }
                }
            default: return
            }
        }
        guard isObject else { return }
        usage.output += TokenCount.uncountedReasoning(total: total, usage.input, usage.output, usage.reasoning)
        usage.source = .providerReported
        self.facts.usage = usage
    }

    // MARK: Parts

    private func read(_ usage: JSONView) {
        guard usage.kind == .object else { return }
        let bytes = usage.bytes
        var read = TokenUsage()
        var total: Int64 = 0
        usage.forEachMember { key, value in
            switch key.count {
            case 13 where key.isText("prompt_tokens"): read.input = Int64(JSONView(bytes, value).tokens ?? 0)
            case 17 where key.isText("completion_tokens"): read.output = Int64(JSONView(bytes, value).tokens ?? 0)
            case 12 where key.isText("total_tokens"): total = Int64(JSONView(bytes, value).tokens ?? 0)
            case 21 where key.isText("prompt_tokens_details"):
                read.cachedInput = Int64(JSONView(bytes, value)["cached_tokens"]?.tokens ?? 0)
                read.inputAudio = Int64(JSONView(bytes, value)["audio_tokens"]?.tokens ?? 0)
            case 25 where key.isText("completion_tokens_details"):
                read.reasoning = Int64(JSONView(bytes, value)["reasoning_tokens"]?.tokens ?? 0)
                read.outputAudio = Int64(JSONView(bytes, value)["audio_tokens"]?.tokens ?? 0)
            default: return
            }
        }
        read.output += TokenCount.uncountedReasoning(total: total, read.input, read.output, read.reasoning)
        read.source = .providerReported
        self.facts.usage = read
    }

    private func add(finishReason: ByteBuffer) {
        guard finishReason.readableBytes > 0 else { return }
        // Nearly all answers have one, whose bytes are used where they lie.
        guard var joined = self.facts.finishReasons else {
            self.facts.finishReasons = finishReason
            return
        }
        let reasons = joined.readableBytesView.split(separator: UInt8(ascii: ","))
        guard reasons.count < 8, !reasons.contains(where: { $0 == finishReason.readableBytesView }) else { return }
        joined.writeStaticString(",")
        joined.writeImmutableBuffer(finishReason)
        self.facts.finishReasons = joined
    }

    /// Whether an object follows a member's colon: most chunks say `"usage":null`.
    private static func isObject(_ data: UnsafeRawBufferPointer, after position: Int) -> Bool {
        var i = position + 8
        while i < data.count, data[i] == 0x20 { i += 1 }
        return i < data.count && data[i] == UInt8(ascii: "{")
    }
}
