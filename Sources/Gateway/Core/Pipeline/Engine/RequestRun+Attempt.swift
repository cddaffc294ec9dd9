import GatewayWire
import NIOCore
import Telemetry

/// One attempt, from sending to the record of how it ended.
extension RequestRun {
    /// Makes one attempt and relays its answer.
    ///
    /// - Parameter attempt: one that has been opened, beside another one, is taken up where it is.
    /// - Returns: what went wrong on the upstream's side.
    @inline(never)
    func attemptOnce(
        _ attempt: UpstreamAttempt, request: inout GatewayRequest, selection: PluginChain.Selection, record: borrowing RequestRecord
    ) async -> UpstreamFailure? {
        if attempt.isOpened {
            // Its race had the client's side until now.
            if let answer = attempt.answer { self.serve(by: answer) }
        } else {
            await attempt.open(self, isAlone: true)
        }
        self.settle(on: attempt, record)
        self.look(at: attempt, selection)
        if attempt.directed != nil, attempt.failure == nil { await self.admit(attempt) }
        guard attempt.failure == nil, let answer = attempt.answer, let head = self.takeHead(attempt), var scope = attempt.takeScope() else { return self.end(attempt) }
        attempt.failure = await attempt.relay.relay(
            head, answer, request: &request, selection: selection, record: record, scope: &scope, startedAt: attempt.startedAt)
        attempt.giveBack(scope)
        return self.end(attempt)
    }

    /// The request goes on with this attempt, whatever others were begun beside it.
    @inline(never)
    private func settle(on attempt: UpstreamAttempt, _ record: borrowing RequestRecord) {
        attempt.answers()
        record.update { root, evidence in root.upstreamURI = self.uri(attempt.prepared.value.endpoint, attempt.prepared.value.target, evidence) }
    }

    /// Takes note of what came of sending the request.
    @inline(never)
    private func look(at attempt: UpstreamAttempt, _ selection: PluginChain.Selection) {
        guard attempt.failure == nil, let answer = attempt.answer, let head = attempt.head else {
            // Without a failure it was given up before it began.
            if attempt.failure == nil { attempt.failure = .cancelled }
            return
        }
        attempt.headAt = MonotonicClock.now()
        attempt.status = head.status
        if head.fields.contains(.contentEncoding), head.framing != .none, attempt.relay.mustRead(selection) { self.decode(attempt, head, answer) }
        if self.requestReadAt == 0 { self.requestReadAt = answer.sentAt }
        self.upstreamWaitNanoseconds &+= attempt.headAt &- attempt.startedAt
        self.upstreamStatus = head.status
        if head.status == 401 || head.status == 403 { attempt.prepared.value.authorizer?.refused() }
    }

    /// The upstream's last byte has been read; what is handed on afterwards may be read again from memory, so the first time counts.
    func noteAnswerEnd() {
        if self.answerEndedAt == 0 { self.answerEndedAt = MonotonicClock.now() }
    }

    /// The client's side can end what its answer comes from.
    func serve(by answer: any UpstreamExchange) {
        self.lastConnectionWasReused = answer.isConnectionReused
        self.exchange.servedBy = answer
        if self.exchange.isClosed { answer.cancel() }
    }

    /// Lets the director look at an answer before the client gets it.
    @inline(never)
    private func admit(_ attempt: UpstreamAttempt) async {
        guard let directed = attempt.directed, let answer = attempt.answer, let head = attempt.head else { return }
        do throws(UpstreamFailure) { attempt.answer = try await self.admit(answer, head, directed) } catch { attempt.failure = error }
    }

    /// The head of an answer that will be relayed: nothing is sent again, and a stream may last long.
    @inline(never)
    private func takeHead(_ attempt: UpstreamAttempt) -> HTTPResponseHead? {
        guard let head = attempt.head else { return nil }
        attempt.head = nil
        if let directed = attempt.directed, RequestRun.isEventStream(head) || ModelRelay.messageFraming(head) != nil || head.status == 101 { directed.director.settled() }
        attempt.prepared.value.release()
        self.replay = nil
        return head
    }

    /// Records how an attempt ended, and tells who directs it.
    ///
    /// - Returns: what went wrong on the upstream's side.
    @inline(never)
    private func end(_ attempt: UpstreamAttempt) -> UpstreamFailure? {
        let failure = attempt.failure
        self.exchange.servedBy = nil
        // What stages did with a whole answer is not the upstream's time.
        let endedAt = self.answerEndedAt == 0 ? MonotonicClock.now() : self.answerEndedAt
        self.answerEndedAt = 0
        self.upstreamNanoseconds &+= endedAt &- attempt.startedAt
        defer { if failure != nil { attempt.answer?.cancel() } }
        guard var scope = attempt.takeScope() else { return failure }
        self.close(&scope, attempt)
        let isCancelled = failure == nil ? self.exchange.isClosed && !self.isFinished : self.isClientGone
        if let directed = attempt.directed {
            var ending = AttemptEnding.served
            if isCancelled { ending = .cancelled } else if let failure { ending = self.exchange.hasResponded ? .broken(failure) : .failed(failure) }
            directed.ended(ending, status: attempt.status, startedAt: attempt.startedAt, endedAt: endedAt, &scope)
        }
        scope.end(at: endedAt)
        scope.finish(isCancelled ? .cancelled : failure != nil || attempt.status >= 400 ? .failed : .passed)
        return failure
    }

    /// Takes off the coding of an upstream that codes although it was asked not to.
    @inline(never)
    private func decode(_ attempt: UpstreamAttempt, _ head: HTTPResponseHead, _ answer: any UpstreamExchange) {
        guard let coding = head.fields.firstString(.contentEncoding), let decoder = self.loop.decoder(coding) else { return }
        let decoded = DecodedExchange(answer, decoder)
        attempt.answer = decoded
        attempt.head = head.decoded()
        self.exchange.servedBy = decoded
    }

    private func close(_ scope: inout ScopeRecord, _ attempt: UpstreamAttempt) {
        let failure = attempt.failure
        if let failure { scope.fail(failure.code) }
        // Of an answer that nobody relays, because another target is asked instead.
        if let head = attempt.head { attempt.relay.describe(head, &scope) }
        scope.withAttempt { evidence, texts in
            // Unanswered, but on a connection: whether that was a kept one explains most of these failures.
            if let answer = attempt.answer { RequestRun.describe(answer, &evidence, texts) }
            evidence.status = UInt16(clamping: attempt.status)
            evidence.headAt = attempt.headAt
            if let failure {
                evidence.errorType = EvidenceText(self.isClientGone ? "client_closed" : failure.code)
            } else if attempt.status >= 400 {
                evidence.errorType = texts.text("\(attempt.status)")
            }
        }
    }

    static func describe(_ answer: any UpstreamExchange, _ attempt: inout AttemptEvidence, _ evidence: RequestEvidence) {
        attempt.peerAddress = evidence.text(answer.peerAddress)
        attempt.isConnectionReused = answer.isConnectionReused
        attempt.connectedAt = answer.connectedAt
        attempt.sentAt = answer.sentAt
        attempt.requestBytes = UInt64(answer.requestBytes)
        attempt.responseBytes = UInt64(answer.responseBytes)
    }
}
