import GatewayWire
import NIOCore
import Telemetry

extension ModelRelay {
    static func isMessageStream(_ head: HTTPResponseHead) -> Bool {
        head.fields.hasValue(.contentType, prefix: "application/vnd.amazon.eventstream")
    }

    /// Relays a stream in AWS's framing as it is, and reads its facts on the way.
    func relayMessages(
        _ head: HTTPResponseHead, _ answer: any UpstreamExchange, selection: PluginChain.Selection, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        // Stages read server-sent events: what they cannot see must not pass them.
        guard selection.stream.isEmpty else { return .malformed(code: "stream_stages_unsupported") }
        let reader = MessageStreamReader(self.plan.adapter.makeReader(hidesUsage: false), self.tokens)
        self.tokens?.open()
        self.begin(reader)
        self.run.relayHead(head, hiding: ModelRelay.hiddenFields, added: self.responseFields, startedAt: startedAt, framing: .stream)
        let failure = await self.run.relayContent(answer, for: self)
        var facts = reader.facts
        if reader.count > 0 { TokenAccount.complete(&facts, by: self.tokens, isTruncated: failure != nil) }
        self.record(facts, &scope)
        scope.withAttempt { attempt, _ in
            attempt.isStream = true
            attempt.chunkCount = reader.count
            attempt.firstChunkAt = reader.firstAt
            attempt.lastChunkAt = reader.lastAt
        }
        return failure
    }
}

/// Reads the messages of a stream for its facts; the bytes go on untouched, whatever is in them.
final class MessageStreamReader {
    private let reader: any ModelResponseReader
    private let tokens: TokenAccount?
    private var framer = EventStreamFramer()
    private var isBroken = false
    private(set) var count: UInt64 = 0
    private(set) var firstAt: UInt64 = 0
    private(set) var lastAt: UInt64 = 0

    init(_ reader: any ModelResponseReader, _ tokens: TokenAccount?) {
        self.reader = reader
        self.tokens = tokens
    }

    var facts: ModelResponseFacts { self.reader.facts }

    func read(_ bytes: ByteBuffer) {
        guard !self.isBroken else { return }
        self.framer.feed(bytes)
        do throws(EventStreamError) {
            while let message = try self.framer.next() {
                self.count &+= 1
                guard message.kind == .event else { continue }
                message.payload.withUnsafeReadableBytes {
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
