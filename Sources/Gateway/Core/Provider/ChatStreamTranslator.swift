public import NIOCore

/// Translates one stream: a provider's bytes in, a client's bytes out, with what the stream said of itself. Used on one loop, by one exchange.
public final class ChatStreamTranslator: ChatStreamSink {
    private var frames: StreamFrameReader
    private let decoder: any ChatStreamDecoder
    private let encoder: any ChatStreamEncoder
    private var output = ByteBuffer()
    private var reasons: [ByteBuffer] = []
    public private(set) var facts = ModelResponseFacts()
    /// The error that ended the stream, as the client was told.
    public private(set) var failure: ProviderError?
    /// Frames of the provider that held anything.
    public private(set) var frameCount: UInt64 = 0
    /// Notes the frames, for usage that the provider does not tell.
    private let tokens: TokenAccount?

    public init(framing: StreamFraming, decoder: any ChatStreamDecoder, encoder: any ChatStreamEncoder, tokens: TokenAccount? = nil) {
        self.tokens = tokens
        self.frames = StreamFrameReader(framing)
        self.decoder = decoder
        self.encoder = encoder
    }

    /// Takes the provider's next bytes.
    ///
    /// - Throws: what makes the stream unreadable; ``fail(_:)`` then tells the client.
    public func feed(_ bytes: ByteBuffer) throws(ProviderFailure) {
        // Formats differ by less than this; growing step by step would copy what is written already.
        if self.output.capacity == 0 { self.output = ByteBufferAllocator().buffer(capacity: bytes.readableBytes * 2 + 256) }
        try self.frames.read(bytes, quiet: { self.take(.keepAlive) }) { (frame) throws(ProviderFailure) in
            self.frameCount &+= 1
            if let tokens { frame.data.withUnsafeReadableBytes { tokens.note($0) } }
            try self.decoder.decode(frame, into: self)
        }
    }

    /// The provider's bytes have ended.
    ///
    /// - Returns: whether the stream was complete.
    public func finish() -> Bool {
        if !self.facts.isComplete, self.failure == nil, let frame = self.frames.finish() {
            // Half a frame is no frame: what cannot be read was cut off.
            do throws(ProviderFailure) { try self.decoder.decode(frame, into: self) } catch { return false }
        }
        if !self.facts.isComplete, self.failure == nil { self.decoder.finish(into: self) }
        return self.facts.isComplete || self.failure != nil
    }

    /// Ends the stream with an error that the client can read.
    public func fail(_ error: ProviderError) { self.take(.failure(error)) }

    /// What there is for the client; the caller has it then.
    public func takeOutput() -> ByteBuffer {
        let output = self.output
        self.output = ByteBuffer()
        return output
    }

    public func take(_ event: ChatStreamEvent) {
        guard self.failure == nil, !self.facts.isComplete else { return }
        switch event {
        case .begin(let head):
            self.facts.id = head.id?.plain
            self.facts.model = head.model?.plain
            if let tier = head.serviceTier { self.facts.serviceTier = tier.plain }
            if let usage = head.usage { self.facts.usage = usage.evidence }
        case .usage(let usage):
            self.facts.usage = usage.evidence
            if let tier = usage.serviceTier { self.facts.serviceTier = ByteBuffer(string: tier) }
        case .finish(let reason, _, _): self.add(reason.spelling.plain)
        case .end: self.facts.isComplete = true
        case .failure(let error): self.failure = error
        default: break
        }
        self.encoder.encode(event, into: &self.output)
    }

    private func add(_ reason: ByteBuffer) {
        guard (1...64).contains(reason.readableBytes), !self.reasons.contains(reason), self.reasons.count < 8 else { return }
        self.reasons.append(reason)
        var joined = self.facts.finishReasons ?? ByteBuffer()
        if joined.readableBytes > 0 { joined.writeStaticString(",") }
        joined.writeImmutableBuffer(reason)
        self.facts.finishReasons = joined
    }
}

extension ChatAnswer {
    /// What the evidence knows of an unstreamed answer.
    public var facts: ModelResponseFacts {
        var facts = ModelResponseFacts()
        facts.id = self.id?.plain
        facts.model = self.model?.plain
        facts.serviceTier = self.serviceTier?.plain
        facts.isComplete = true
        if let usage = self.usage { facts.usage = usage.evidence }
        var joined = ByteBuffer()
        for choice in self.choices {
            guard let reason = choice.finishReason?.spelling.plain, (1...64).contains(reason.readableBytes), joined.readableBytes < 512 else { continue }
            let text = String(buffer: reason)
            if String(buffer: joined).split(separator: ",").contains(where: { $0 == text }) { continue }
            if joined.readableBytes > 0 { joined.writeStaticString(",") }
            joined.writeImmutableBuffer(reason)
        }
        if joined.readableBytes > 0 { facts.finishReasons = joined }
        return facts
    }
}
