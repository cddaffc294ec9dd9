import GatewayWire
import NIOCore
import Telemetry

/// Relays a streamed answer: frames events, reads a model's facts, runs the stream stages, and drops the usage chunk a client did not ask for.
///
/// A class: what it keeps would otherwise lie in the frame of whoever waits for the stream, several times over.
final class ModelStreamRelay {
    let run: RequestRun
    /// nil: a service that is no model, whose events have no facts.
    private let model: ModelRelay?
    let reader: any ModelResponseReader
    /// Of a translated stream, which comes in the client's format.
    private let translator: ChatStreamTranslator?
    /// Notes the events, for usage that the provider does not tell; nil: nobody needs them, or a translator notes the provider's own frames.
    let tokens: TokenAccount?
    /// Cuts a stream that is no server-sent events for the stages; nil: the framer does.
    var events: FramedEvents?
    /// Of a stream that stages see event by event: the framing the client reads.
    let packer: StreamPacker
    /// What of the provider's frames has been counted.
    private var countedFrames: UInt64 = 0
    var framer = SSEFramer()
    /// Whether AWS's framing has told of an error.
    var hasException = false
    private var chunks: UInt64 = 0
    private var firstChunkAt: UInt64 = 0
    private var lastChunkAt: UInt64 = 0

    /// - Parameters:
    ///   - events: of a stream that is no server-sent events, which passes the stages even where there are none.
    ///   - packer: how the client's events are framed; nil: as server-sent events.
    init(
        run: RequestRun, model: ModelRelay?, reader: any ModelResponseReader, translator: ChatStreamTranslator? = nil, events: FramedEvents? = nil, packer: StreamPacker? = nil
    ) {
        self.run = run
        self.model = model
        self.reader = reader
        self.translator = translator
        self.events = events
        self.packer = packer ?? StreamPacker(.serverSentEvents)
        self.tokens = translator == nil ? model?.tokens : nil
    }

    @inline(never)
    func run(
        _ head: consuming HTTPResponseHead, added: [(name: String, value: String)], startedAt: UInt64, _ answer: any UpstreamExchange,
        request: inout GatewayRequest, selection: PluginChain.Selection, record: borrowing RequestRecord, scope: inout ScopeRecord
    ) async -> UpstreamFailure? {
        guard await self.begin(consume head, added: added, startedAt: startedAt, answer, request, selection, record) else { return nil }
        self.run.exchange.flush()
        self.model?.tokens?.open()
        let failure: UpstreamFailure?
        if selection.stream.isEmpty, self.events == nil {
            request.body = .none
            failure = self.translator == nil ? await self.pass(answer, record: record, scope: &scope) : await self.passTranslated(answer, record: record, scope: &scope)
        } else {
            failure = await self.passThroughStages(answer, request, selection, record: record, scope: &scope)
        }
        self.finish(&scope, isTruncated: failure != nil || self.run.exchange.isClosed && !self.run.isFinished || self.run.outcome != .passed)
        return failure
    }

    // Not inlined, here and below: what one kind of stream needs would stay in the frame of all of them, for as long as they last.

    private var hiddenFields: KnownFieldSet { self.model == nil ? [] : ModelRelay.hiddenFields }

    /// Writes the head, as it came or as the response stages leave it; false when they stopped the response.
    @inline(never)
    private func begin(
        _ head: consuming HTTPResponseHead, added: [(name: String, value: String)], startedAt: UInt64, _ answer: any UpstreamExchange, _ request: borrowing GatewayRequest,
        _ selection: PluginChain.Selection, _ record: borrowing RequestRecord
    ) async -> Bool {
        if selection.response.isEmpty, selection.stream.isEmpty || !head.fields.contains(.contentEncoding) {
            self.run.relayHead(head, hiding: self.hiddenFields, added: added, startedAt: startedAt, framing: .stream)
            return true
        }
        if !selection.stream.isEmpty, head.fields.contains(.contentEncoding) {
            // Stages that cannot read what passes must not be taken to have seen it.
            answer.cancel()
            await self.run.fail(PluginFailure("response_encoded", message: "the upstream compressed an event stream that stages have to read"))
            return false
        }
        var fields = head.fields
        fields.remove(all: self.hiddenFields)
        let all = self.run.relayedFields(fields, added: added, startedAt: startedAt)
        guard let response = await self.run.streamHead(head, all, answer, selection, record, notes: request.notes) else { return false }
        self.run.beginResponse(status: response.status, fields: response.fields, framing: .stream)
        return true
    }

    // MARK: Without stages: bytes pass in the slices they came in

    @inline(never)
    private func pass(_ answer: any UpstreamExchange, record: borrowing RequestRecord, scope: inout ScopeRecord) async -> UpstreamFailure? {
        while true {
            let bytes: ByteBuffer?
            do throws(UpstreamFailure) { bytes = try await self.next(answer) } catch { return await self.fail(error) }
            guard let bytes else {
                self.run.noteAnswerEnd()
                break
            }
            self.framer.feed(bytes)
            do throws(SSEError) { try self.readEvents(record, &scope) } catch { return await self.fail(.malformed(code: "event_too_large")) }
            if !self.send(), await self.hasClientGone(answer) { return nil }
        }
        // What follows the last complete event is no event; it is passed on as it is.
        _ = self.framer.finish()
        if !self.send(), await self.hasClientGone(answer) { return nil }
        self.conclude()
        self.run.exchange.finish(trailers: answer.trailers)
        self.run.isFinished = true
        return nil
    }

    /// A translated stream comes in whole events: there is nothing to find in it.
    @inline(never)
    private func passTranslated(_ answer: any UpstreamExchange, record: borrowing RequestRecord, scope: inout ScopeRecord) async -> UpstreamFailure? {
        while true {
            let bytes: ByteBuffer?
            do throws(UpstreamFailure) { bytes = try await self.next(answer) } catch { return await self.fail(error) }
            let frames = self.translator?.frameCount ?? 0
            if frames > self.countedFrames {
                self.count(frames &- self.countedFrames, record, &scope)
                self.noteFirstContent()
                self.countedFrames = frames
            }
            guard let bytes else {
                self.run.noteAnswerEnd()
                break
            }
            if !self.run.exchange.write(bytes), await self.hasClientGone(answer) { return nil }
        }
        self.conclude()
        self.run.exchange.finish(trailers: nil)
        self.run.isFinished = true
        return nil
    }

    private var hasFailed: Bool { self.hasException || self.reader.hasFailed }

    /// A stream in which the provider told of an error has been relayed whole, and has failed.
    func conclude() {
        guard self.hasFailed, self.run.outcome == .passed else { return }
        self.run.outcome = .failed
        self.run.errorType = "provider_stream_error"
    }

    /// Reads the events that are complete now; one time stamp serves all of one read.
    @inline(never)
    private func readEvents(_ record: borrowing RequestRecord, _ scope: inout ScopeRecord) throws(SSEError) {
        var count: UInt64 = 0
        let reader = self.reader
        let tokens = self.tokens
        while let frame = try self.framer.next() {
            guard frame.dataLineCount > 0 else { continue }
            count &+= 1
            let disposition: EventDisposition
            if let range = frame.data {
                disposition = self.framer.bytes.withVeryUnsafeBytes { bytes in
                    let data = UnsafeRawBufferPointer(rebasing: bytes[range])
                    tokens?.note(data)
                    return reader.event(data)
                }
            } else if let joined = self.framer.data(of: frame) {
                disposition = joined.withUnsafeReadableBytes { data in
                    tokens?.note(data)
                    return reader.event(data)
                }
            } else {
                disposition = .pass
            }
            if disposition == .drop { self.framer.drop(frame) }
        }
        guard count > 0 else { return }
        self.count(count, record, &scope)
        self.noteFirstContent()
    }

    @inline(never)
    func count(_ events: UInt64, _ record: borrowing RequestRecord, _ scope: inout ScopeRecord) {
        let now = MonotonicClock.now()
        if self.firstChunkAt == 0 {
            self.firstChunkAt = now
            // From here on the attempt can be named by what answers: the series of the gaps need the model.
            self.model?.record(self.reader.facts, &scope)
            if self.model != nil, events > 1 { record.recordChunks(scope, gap: 0, simultaneous: events &- 2, at: now) }
        } else if self.model != nil {
            record.recordChunks(scope, gap: now &- self.lastChunkAt, simultaneous: events &- 1, at: now)
        }
        self.lastChunkAt = now
        self.chunks &+= events
    }

    /// What has just been counted goes to the client at once, without stages that could hold it.
    private func noteFirstContent() {
        if self.run.firstContentAt == 0 { self.run.firstContentAt = self.lastChunkAt }
    }

    /// The next bytes; what is collected for the client goes out before a wait.
    func next(_ answer: any UpstreamExchange) async throws(UpstreamFailure) -> ByteBuffer? {
        switch try answer.pollBody() {
        case .bytes(let bytes): return bytes
        case .end: return nil
        case .pending:
            self.run.exchange.flush()
            return try await answer.readBody()
        }
    }

    /// Passes on what the framer has let through; whether the client's side can take more.
    private func send() -> Bool {
        let exchange = self.run.exchange
        var canTakeMore = true
        self.framer.drain { canTakeMore = exchange.write($0) }
        return canTakeMore
    }

    /// Waits for a slow client; whether it went away instead.
    @inline(never)
    private func hasClientGone(_ answer: any UpstreamExchange) async -> Bool {
        do throws(DownstreamFailure) {
            try await self.run.exchange.relieve()
            return false
        } catch {
            answer.cancel()
            self.run.clientFailed(error)
            return true
        }
    }

    /// Whether the client left behind the stream's end marker, as SDKs do that do not wait for the end of the message: it has had the whole answer.
    var hasClientHadAll: Bool { self.run.isClientGone && self.reader.facts.isComplete }

    /// The upstream failed in the middle: the client gets an error event it can read, then the end of the connection.
    @inline(never)
    func fail(_ failure: UpstreamFailure) async -> UpstreamFailure? {
        if self.hasClientHadAll {
            self.run.isFinished = true
            return nil
        }
        if self.run.isClientGone {
            self.run.cancelled()
            return failure
        }
        await self.sendError(502, message: "The upstream ended the stream before it was complete", type: "api_error", code: failure.code)
        self.run.abort()
        return failure
    }

    func sendError(_ status: Int, message: String, type: StaticString, code: StaticString) async {
        let event = self.errorEvent(status, message: message, type: type, code: code)
        // A client that is gone cannot be told.
        do throws(DownstreamFailure) { try await self.run.exchange.writeBody(event) } catch { return }
        self.run.exchange.flush()
    }

    /// An error in the middle of a stream, as the client's format has it.
    @inline(never)
    private func errorEvent(_ status: Int, message: String, type: StaticString, code: StaticString) -> ByteBuffer {
        var event = ByteBuffer()
        guard let format = self.model?.plan.offer.format, format.name != .openai else {
            let body = ByteBuffer(string: OwnResponse.openAIErrorBody(message: message, type: type, parameter: nil, code: code))
            _ = SSEWriter.event(data: body, into: &event)
            return event
        }
        let error = ProviderError(status: status, message: message, code: code)
        if self.packer.isArray {
            self.packer.add(format.encode(error), into: &event)
            self.packer.end(into: &event)
        } else if let translator = self.translator, !translator.facts.isComplete, translator.failure == nil {
            translator.fail(error)
            return translator.takeOutput()
        } else {
            format.makeStreamEncoder(AnswerContext(requestID: "", createdAt: 0, model: "", isStream: true)).encode(.failure(error), into: &event)
        }
        return event
    }

    @inline(never)
    private func finish(_ scope: inout ScopeRecord, isTruncated: Bool) {
        guard let model = self.model else { return }
        var facts = self.reader.facts
        if self.chunks > 0 { TokenAccount.complete(&facts, by: model.tokens, isTruncated: isTruncated) }
        model.record(facts, &scope)
        scope.withAttempt { attempt, _ in
            attempt.isStream = true
            attempt.chunkCount = self.chunks
            attempt.firstChunkAt = self.firstChunkAt
            attempt.lastChunkAt = self.lastChunkAt
            if self.hasFailed { attempt.errorType = EvidenceText("provider_stream_error") }
        }
    }
}
