import GatewayWire
import NIOCore
import Telemetry

extension ModelRelay {
    /// How a stream is cut into messages that are no server-sent events; nil: it is none.
    static func messageFraming(_ head: HTTPResponseHead) -> StreamFraming? {
        if head.fields.hasValue(.contentType, prefix: "application/vnd.amazon.eventstream") { return .eventStream }
        return head.fields.hasValue(.contentType, prefix: "application/x-ndjson") ? .lines : nil
    }

    /// Relays a stream of such messages as it is, and reads its facts on the way.
    @inline(never)
    func relayMessages(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, _ framing: StreamFraming, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        let reader = MessageStreamReader(framing, self.plan.adapter.makeReader(hidesUsage: false), self.tokens)
        self.tokens?.open()
        self.begin(reader)
        self.run.relayHead(head, hiding: ModelRelay.hiddenFields, added: self.responseFields, startedAt: startedAt, framing: .stream)
        let failure = await self.run.relayContent(answer, for: self)
        self.conclude(reader, isTruncated: failure != nil, &scope)
        return failure
    }

    @inline(never)
    private func conclude(_ reader: MessageStreamReader, isTruncated: Bool, _ scope: inout ScopeRecord) {
        var facts = reader.facts
        if reader.count > 0 { TokenAccount.complete(&facts, by: self.tokens, isTruncated: isTruncated || reader.hasFailed) }
        self.record(facts, &scope)
        self.run.firstContentAt = reader.firstAt
        if reader.hasFailed, self.run.outcome == .passed {
            self.run.outcome = .failed
            self.run.errorType = "provider_stream_error"
        }
        scope.withAttempt { attempt, _ in
            if reader.hasFailed { attempt.errorType = EvidenceText("provider_stream_error") }
            attempt.isStream = true
            attempt.chunkCount = reader.count
            attempt.firstChunkAt = reader.firstAt
            attempt.lastChunkAt = reader.lastAt
        }
    }
}

/// Reads the messages of a stream for its facts; the bytes go on untouched, whatever is in them.
final class MessageStreamReader {
    private let reader: any ModelResponseReader
    private let tokens: TokenAccount?
    private var frames: StreamFrameReader
    private var isBroken = false
    private(set) var count: UInt64 = 0
    private(set) var firstAt: UInt64 = 0
    private(set) var lastAt: UInt64 = 0

    init(_ framing: StreamFraming, _ reader: any ModelResponseReader, _ tokens: TokenAccount?) {
        self.frames = StreamFrameReader(framing)
        self.reader = reader
        self.tokens = tokens
    }

    var facts: ModelResponseFacts { self.reader.facts }
    private var hasException = false
    /// Whether the provider has told of an error.
    var hasFailed: Bool { self.hasException || self.reader.hasFailed }

    func read(_ bytes: ByteBuffer) {
        guard !self.isBroken else { return }
        do throws(ProviderFailure) {
            try self.frames.read(bytes) { (frame) throws(ProviderFailure) in
                self.count &+= 1
                guard !frame.isException else {
                    self.hasException = true
                    return
                }
                frame.data.withUnsafeReadableBytes {
                    self.tokens?.note($0)
                    _ = self.reader.event($0)
                }
            }
        } catch { self.isBroken = true }
        guard self.count > 0 else { return }
        self.lastAt = MonotonicClock.now()
        if self.firstAt == 0 { self.firstAt = self.lastAt }
    }
}
