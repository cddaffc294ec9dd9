import GatewayCore
import GatewayWire
import NIOCore

/// Reads a stream of Anthropic's Messages API (https://docs.anthropic.com/en/docs/build-with-claude/streaming).
final class AnthropicStreamDecoder: ChatStreamDecoder {
    private var counts = AnthropicUsage()
    /// Calls so far, the number of the next one.
    private var callCount = 0
    /// What the open block is.
    private var block = Block.other
    /// Whether the open block is a call of which no arguments have come.
    private var awaitsArguments = false
    private var hasCounts = false

    private enum Block { case text, thinking, call, other }

    func decode(_ frame: StreamFrame, into sink: any ChatStreamSink) throws(ProviderFailure) {
        let bytes = frame.data
        if let text = AnthropicStreamDecoder.plainText(bytes) { return sink.take(.text(ChatText(verbatim: text), choice: 0)) }
        var type: JSONSpan?
        var delta: JSONSpan?
        var body: JSONSpan?
        do {
            _ = try JSONScanner.scan(bytes) { member in
                // All keys looked at are ASCII without escapes; the first byte of each tells it from the others of its length.
                bytes.withUnsafeReadableBytes { raw in
                    let key = UnsafeRawBufferPointer(rebasing: raw[member.key.content])
                    switch key.count {
                    case 4 where key.isText("type"): type = member.value
                    case 5 where key.isText("delta"): delta = member.value
                    case 5 where key.isText("usage") && body == nil: body = member.value
                    case 5 where key.isText("error"): body = member.value
                    case 7 where key.isText("message"): body = member.value
                    case 13 where key.isText("content_block"): body = member.value
                    default: break
                    }
                }
            }
        } catch {
            throw AnswerFailure.unreadable("anthropic")
        }
        guard let type else { return }
        let kind = bytes.withUnsafeReadableBytes { EventKind(UnsafeRawBufferPointer(rebasing: $0[type.content])) }
        switch kind {
        case .blockDelta: if let delta { self.delta(JSONView(bytes, delta), sink) }
        case .blockStop: self.completeCall(sink)
        case .blockStart: if let body { self.start(JSONView(bytes, body), sink) }
        case .messageStart: if let body { self.begin(JSONView(bytes, body), sink) }
        case .messageDelta: self.messageDelta(delta.map { JSONView(bytes, $0) }, body.map { JSONView(bytes, $0) }, sink)
        case .messageStop: sink.take(.end)
        case .ping: sink.take(.keepAlive)
        case .error: sink.take(.failure(AnthropicAnswerDecoder.streamError(body.map { JSONView(bytes, $0) })))
        case .other: return
        }
    }

    func finish(into sink: any ChatStreamSink) {}

    /// The text of a delta that is written as Anthropic's servers write it, and holds ASCII that needs no escapes: most events of most streams, which need no JSON read. The
    /// whole frame is compared, so that nothing but such an event can match; nil: anything else.
    private static func plainText(_ bytes: ByteBuffer) -> ByteBuffer? {
        let opening: StaticString = #"{"type":"content_block_delta","index":"#
        let middle: StaticString = #","delta":{"type":"text_delta","text":""#
        let range = bytes.withUnsafeReadableBytes { raw -> Range<Int>? in
            var i = opening.utf8CodeUnitCount
            guard raw.count > i + middle.utf8CodeUnitCount + 3, UnsafeRawBufferPointer(rebasing: raw[..<i]).isText(opening) else { return nil }
            let digits = i
            while i < raw.count, raw[i] &- 0x30 < 10 { i += 1 }
            // JSON has no leading zeros.
            guard i > digits, i == digits + 1 || raw[digits] != 0x30 else { return nil }
            let start = i + middle.utf8CodeUnitCount
            let end = raw.count - 3
            guard start <= end, UnsafeRawBufferPointer(rebasing: raw[i..<start]).isText(middle), UnsafeRawBufferPointer(rebasing: raw[end...]).isText("\"}}") else { return nil }
            for byte in raw[start..<end] where byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x80 { return nil }
            return start..<end
        }
        return range.flatMap { bytes.getSlice(at: bytes.readerIndex + $0.lowerBound, length: $0.count) }
    }

    private enum EventKind {
        case blockDelta, blockStart, blockStop, messageStart, messageDelta, messageStop, ping, error, other

        init(_ type: UnsafeRawBufferPointer) {
            switch type.count {
            case 19 where type.isText("content_block_delta"): self = .blockDelta
            case 19 where type.isText("content_block_start"): self = .blockStart
            case 18 where type.isText("content_block_stop"): self = .blockStop
            case 13 where type.isText("message_start"): self = .messageStart
            case 13 where type.isText("message_delta"): self = .messageDelta
            case 12 where type.isText("message_stop"): self = .messageStop
            case 5 where type.isText("error"): self = .error
            case 4 where type.isText("ping"): self = .ping
            default: self = .other
            }
        }
    }

    // MARK: Events

    private func begin(_ message: JSONView, _ sink: any ChatStreamSink) {
        if let usage = message["usage"] {
            self.counts.read(usage)
            self.hasCounts = true
        }
        sink.take(.begin(ChatStreamHead(id: ChatText(message["id"]), model: ChatText(message["model"]), usage: self.hasCounts ? self.counts.usage : nil,
                    serviceTier: ChatText(message["usage"]?["service_tier"]))))
    }

    private func start(_ block: JSONView, _ sink: any ChatStreamSink) {
        self.completeCall(sink)
        let part = AnthropicAnswerDecoder.part(block)
        switch part.content {
        case .text(let text):
            self.block = .text
            if !text.isEmpty { sink.take(.text(text, choice: 0)) }
        case .reasoning(let text):
            self.block = .thinking
            if !text.isEmpty { sink.take(.reasoning(text, choice: 0)) }
        case .redactedReasoning(let data):
            self.block = .other
            sink.take(.redactedReasoning(data, choice: 0))
        case .toolCall(let call):
            self.block = .call
            sink.take(.toolCall(id: call.id, name: call.name, index: self.callCount, choice: 0))
            self.callCount += 1
            // `input` is empty here but for servers that send a call whole.
            self.awaitsArguments = true
            if case .json(let input) = call.arguments, !input.isEmptyContainer { self.arguments(ChatText(plain: input.raw), sink) }
        default:
            self.block = .other
            sink.take(.part(part, choice: 0))
        }
    }

    private func delta(_ delta: JSONView, _ sink: any ChatStreamSink) {
        let bytes = delta.bytes
        var text: JSONSpan?
        var kind = UInt8(0)
        delta.forEachMember { key, value in
            switch key.count {
            case 4 where key.isText("text"): (text, kind) = (value, 1)
            case 8 where key.isText("thinking"): (text, kind) = (value, 2)
            case 9 where key.isText("signature"): (text, kind) = (value, 3)
            case 12 where key.isText("partial_json"): (text, kind) = (value, 4)
            default: break
            }
        }
        guard let text, let content = ChatText(bytes, text) else { return }
        switch kind {
        case 1: sink.take(.text(content, choice: 0))
        case 2: sink.take(.reasoning(content, choice: 0))
        case 3: sink.take(.reasoningSignature(content, choice: 0))
        // Calls of the vendor's own tools are not the client's.
        default: if self.block == .call, !content.isEmpty { self.arguments(content, sink) }
        }
    }

    private func arguments(_ text: ChatText, _ sink: any ChatStreamSink) {
        self.awaitsArguments = false
        sink.take(.toolArguments(text, index: self.callCount - 1, choice: 0))
    }

    /// A call without parameters has no pieces of input; clients of other formats expect the JSON of an empty object nevertheless.
    private func completeCall(_ sink: any ChatStreamSink) {
        if self.awaitsArguments { self.arguments(ChatText("{}" as StaticString), sink) }
    }

    private func messageDelta(_ delta: JSONView?, _ usage: JSONView?, _ sink: any ChatStreamSink) {
        if let usage {
            self.counts.read(usage)
            sink.take(.usage(self.counts.usage))
        }
        guard let reason = delta?["stop_reason"].flatMap({ AnthropicAnswerDecoder.finishReason($0) }) else { return }
        self.completeCall(sink)
        sink.take(.finish(reason, stopSequence: ChatText(delta?["stop_sequence"]), choice: 0))
    }
}

extension AnthropicAnswerDecoder {
    /// An `error` event; its status is the one the error would have had instead of the stream.
    static func streamError(_ error: JSONView?) -> ProviderError {
        let type = ChatText(error?["type"])
        let failure = type.flatMap { self.failureClass($0) } ?? .serverError
        let status =
            switch failure {
            case .invalidRequest: 400
            case .authentication: 401
            case .notFound: 404
            case .rateLimited: 429
            case .overloaded: 503
            case .serverError, .none: 500
            }
        return ProviderError(
            status: status, failure: failure, message: ChatText(error?["message"]) ?? ChatText("The provider ended the stream with an error"), type: type,
            code: type)
    }
}
