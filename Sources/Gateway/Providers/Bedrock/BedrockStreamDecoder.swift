import GatewayCore
import GatewayWire
import NIOCore

/// Reads a stream of ConverseStream (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html): one event a message of AWS's framing.
final class BedrockStreamDecoder: ChatStreamDecoder {
    /// Calls so far, the number of the next one.
    private var callCount = 0
    /// Whether a call has begun of which no arguments have come.
    private var awaitsArguments = false
    private var hasStopped = false
    private var hasEnded = false

    func decode(_ frame: StreamFrame, into sink: any ChatStreamSink) throws(ProviderFailure) {
        guard let name = frame.name else { return }
        if frame.isFailure { return sink.take(.failure(BedrockAnswerDecoder.streamError(name, frame.data))) }
        switch name.withUnsafeReadableBytes({ EventKind($0) }) {
        case .blockDelta: try self.delta(frame.data, sink)
        case .blockStart:
            self.completeCall(sink)
            guard let use = try self.document(frame.data)["start"]?["toolUse"], let name = ChatText(use["name"]) else { return }
            sink.take(.toolCall(id: ChatText(use["toolUseId"]), name: name, index: self.callCount, choice: 0))
            self.callCount += 1
            self.awaitsArguments = true
        case .blockStop: self.completeCall(sink)
        case .messageStart: sink.take(.begin(ChatStreamHead()))
        case .messageStop:
            let document = try self.document(frame.data)
            self.hasStopped = true
            self.completeCall(sink)
            guard let reason = document["stopReason"].flatMap({ BedrockAnswerDecoder.finishReason($0) }) else { return }
            sink.take(.finish(reason, stopSequence: ChatText(document["additionalModelResponseFields"]?["stop_sequence"]), choice: 0))
        case .metadata:
            let metadata = try self.document(frame.data)
            if let counts = metadata["usage"] {
                var usage = BedrockAnswerDecoder.usage(counts)
                usage.serviceTier = metadata["serviceTier"]?["type"]?.string
                sink.take(.usage(usage))
            }
            // The usage comes last of all.
            if self.hasStopped { self.end(sink) }
        case .exception: sink.take(.failure(BedrockAnswerDecoder.streamError(name, frame.data)))
        case .other: return
        }
    }

    func finish(into sink: any ChatStreamSink) {
        if self.hasStopped { self.end(sink) }
    }

    private func end(_ sink: any ChatStreamSink) {
        guard !self.hasEnded else { return }
        self.hasEnded = true
        sink.take(.end)
    }

    private enum EventKind {
        case blockDelta, blockStart, blockStop, messageStart, messageStop, metadata, exception, other

        init(_ name: UnsafeRawBufferPointer) {
            switch name.count {
            case 17 where name.isText("contentBlockDelta"): self = .blockDelta
            case 17 where name.isText("contentBlockStart"): self = .blockStart
            case 16 where name.isText("contentBlockStop"): self = .blockStop
            case 12 where name.isText("messageStart"): self = .messageStart
            case 11 where name.isText("messageStop"): self = .messageStop
            case 8 where name.isText("metadata"): self = .metadata
            case 9... where UnsafeRawBufferPointer(rebasing: name[(name.count - 9)...]).isText("Exception"): self = .exception
            default: self = .other
            }
        }
    }

    private func document(_ bytes: ByteBuffer) throws(ProviderFailure) -> JSONDocument {
        do throws(JSONError) { return try JSONDocument(bytes) } catch { throw AnswerFailure.unreadable("bedrock") }
    }

    /// The common event: one scan, one look into `delta`.
    private func delta(_ bytes: ByteBuffer, _ sink: any ChatStreamSink) throws(ProviderFailure) {
        var delta: JSONSpan?
        do throws(JSONError) {
            _ = try JSONScanner.scan(bytes) { member in
                bytes.withUnsafeReadableBytes { raw in
                    if UnsafeRawBufferPointer(rebasing: raw[member.key.content]).isText("delta") { delta = member.value }
                }
            }
        } catch { throw AnswerFailure.unreadable("bedrock") }
        guard let delta else { return }
        var text: JSONSpan?
        var inner: (span: JSONSpan, isReasoning: Bool)?
        JSONView(bytes, delta).forEachMember { key, value in
            switch key.count {
            case 4 where key.isText("text"): text = value
            case 7 where key.isText("toolUse"): inner = (value, false)
            case 16 where key.isText("reasoningContent"): inner = (value, true)
            default: return
            }
        }
        if let text, let content = ChatText(bytes, text) { return sink.take(.text(content, choice: 0)) }
        guard let inner else { return }
        let view = JSONView(bytes, inner.span)
        guard inner.isReasoning else {
            if let input = ChatText(view["input"]), !input.isEmpty, self.callCount > 0 { self.arguments(input, sink) }
            return
        }
        if let text = ChatText(view["text"]) { sink.take(.reasoning(text, choice: 0)) }
        if let signature = ChatText(view["signature"]) { sink.take(.reasoningSignature(signature, choice: 0)) }
        if let data = ChatText(view["redactedContent"]) { sink.take(.redactedReasoning(data, choice: 0)) }
    }

    private func arguments(_ text: ChatText, _ sink: any ChatStreamSink) {
        self.awaitsArguments = false
        sink.take(.toolArguments(text, index: self.callCount - 1, choice: 0))
    }

    /// A call without parameters may have no pieces of input; clients of other formats expect the JSON of an empty object nevertheless.
    private func completeCall(_ sink: any ChatStreamSink) {
        if self.awaitsArguments { self.arguments(ChatText("{}" as StaticString), sink) }
    }
}
