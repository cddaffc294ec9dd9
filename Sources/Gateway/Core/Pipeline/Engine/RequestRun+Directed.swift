import GatewayWire
import NIOCore
import Telemetry

/// An attempt with who directs it.
struct Directed {
    let director: any AttemptDirector
    let attempt: DirectedAttempt

    func describe(_ scope: inout ScopeRecord) {
        let note = self.attempt.note
        scope.withAttempt { attempt, evidence in attempt.balancerTarget = evidence.text(note.target) }
        scope.set(AttributeNames.balancerAlgorithm, .name(note.algorithm))
        scope.set(AttributeNames.balancerTarget, .string(note.target))
        scope.set(AttributeNames.balancerCandidates, .int(Int64(note.candidates)))
        scope.set(AttributeNames.balancerReason, .name(note.reason))
        if !note.skipped.isEmpty { scope.set(AttributeNames.balancerSkipped, .string(note.skipped)) }
    }

    /// Tells the balancer how the attempt ended, by what was recorded of it.
    @inline(never)
    func ended(_ ending: AttemptEnding, status: Int, startedAt: UInt64, endedAt: UInt64, _ scope: inout ScopeRecord) {
        var report = AttemptReport(target: self.attempt.target, ending: ending, status: status, startedAt: startedAt, endedAt: endedAt)
        scope.withAttempt { attempt, _ in
            report.usage = attempt.usage
            report.cost = attempt.cost
            report.firstChunkAt = attempt.firstChunkAt
            report.lastChunkAt = attempt.lastChunkAt
            report.chunkCount = attempt.chunkCount
        }
        self.director.ended(report)
    }
}

extension RequestRun {
    /// Makes the attempts that a director wants, until one is answered or none is left. Every attempt is planned from the client's own request.
    @inline(never)
    func proxyDirected(_ request: inout GatewayRequest, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord) async {
        guard let director = self.takeDirector(&request) else { return }
        var last: UpstreamAttempt?
        while true {
            let directed: Directed
            switch self.next(director, request, record, after: last) {
            case .attempt(let next): directed = next
            case .refuse(let rejection): return await self.reject(rejection)
            case .answer(let response): return await self.respond(response, source: "error")
            }
            if directed.attempt.pause > 0 {
                // Ended early only by a client that left, which is seen below.
                try? await Task.sleep(nanoseconds: directed.attempt.pause)
            }
            if self.isClientGone {
                self.abandon(directed)
                return self.cancelled()
            }
            let (prepared, relay) = self.prepare(directed.attempt, request)
            for stage in selection.attempt {
                if let failure = await stage.run(&prepared.value, record) {
                    self.abandon(directed)
                    return await self.fail(failure)
                }
            }
            var attempt = self.makeAttempt(prepared, relay, directed, record)
            if director.hedgeDelay > 0, self.attempts == 1 { attempt = await self.hedge(attempt, directed, request, selection, record) }
            guard let failure = await self.attemptOnce(attempt, request: &request, selection: selection, record: record) else { return }
            if self.isClientGone { return self.cancelled() }
            guard !self.exchange.hasResponded else {
                // Bytes of the response are out: the client must see that it is incomplete, and no other target can help.
                self.outcome = .failed
                self.errorType = failure.code
                return
            }
            last = attempt
        }
    }

    private func takeDirector(_ request: inout GatewayRequest) -> (any AttemptDirector)? {
        guard case .directed(let director) = request.upstream else { return nil }
        request.upstream = .service
        return director
    }

    /// What a director leaves to do.
    private enum Step {
        case attempt(Directed)
        indirect case refuse(Rejection)
        indirect case answer(GatewayResponse)
    }

    @inline(never)
    private func next(_ director: any AttemptDirector, _ request: borrowing GatewayRequest, _ record: borrowing RequestRecord, after last: UpstreamAttempt?) -> Step {
        switch director.next(request, now: MonotonicClock.now()) {
        case .attempt(let next): return .attempt(Directed(director: director, attempt: next))
        case .refuse(let rejection): return .refuse(rejection)
        case .unavailable(let skipped):
            record.annotateStage(AttributeNames.balancerSkipped, .string(skipped))
            return .answer(self.unavailable(request.body))
        case .stop:
            guard let last, let failure = last.failure else { return .answer(self.unavailable(request.body)) }
            self.outcome = .failed
            self.errorType = failure.code
            let answer = failure.answer
            var response = last.relay.answer(answer.status, "\(answer.message)", code: failure.code)
            _ = response.fields.append(name: "X-Pellucid-Attempts", "\(self.attempts)")
            return .answer(response)
        }
    }

    @inline(never)
    private func prepare(_ attempt: DirectedAttempt, _ request: borrowing GatewayRequest) -> (PreparedRequest, ModelRelay) {
        let plan = attempt.plan
        let body = attempt.takeBody()
        let fields = request.responseFields.isEmpty ? attempt.responseFields : attempt.responseFields + request.responseFields
        let relay = ModelRelay(run: self, plan: plan, responseFields: fields, sent: body)
        return (self.request(for: plan, body, attempt.timeouts, self.forwardedFields(request)), relay)
    }

    /// Opens the first attempt, with another one beside it where it is slow.
    ///
    /// - Returns: the attempt to go on with.
    @inline(never)
    private func hedge(
        _ first: UpstreamAttempt, _ directed: Directed, _ request: borrowing GatewayRequest, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord
    ) async -> UpstreamAttempt {
        let winner = await self.race(first, delay: directed.director.hedgeDelay) {
            guard let attempt = directed.director.hedge(request, now: MonotonicClock.now()) else { return nil }
            let beside = Directed(director: directed.director, attempt: attempt)
            let (prepared, relay) = self.prepare(attempt, request)
            for stage in selection.attempt {
                guard await stage.run(&prepared.value, record) != nil else { continue }
                // The first attempt goes on alone.
                self.abandon(beside)
                return nil
            }
            return self.makeAttempt(prepared, relay, beside, record)
        }
        if self.attempts > 1 { winner.relay.say(attempts: self.attempts) }
        return winner
    }

    /// The request as it goes to the provider of a plan.
    @inline(never)
    func request(
        for plan: ModelPlan, _ body: ByteBuffer, _ timeouts: UpstreamTimeouts, _ forwarded: consuming ForwardedHead
    ) -> PreparedRequest {
        plan.fields.apply(to: &forwarded)
        // The gateway reads what comes back; an answer in a coding it does not ask for would be unreadable.
        forwarded.skipped.insert(.acceptEncoding)
        forwarded.lines.add(.acceptEncoding, literal: "identity")
        var upstream = UpstreamRequest(
            endpoint: plan.location.endpoint, method: plan.method, target: plan.target, fields: forwarded.fields, skipped: forwarded.skipped, lines: forwarded.lines, host: plan.location.endpoint.authority,
            body: plan.method == .get ? .none : .bytes(body), timeouts: timeouts)
        upstream.authorizer = plan.offer.authorizer
        return PreparedRequest(upstream)
    }

    /// Kong answers 500 when every target is unhealthy (https://developer.konghq.com/ai-gateway/load-balancing/#health-check-and-circuit-breaker).
    private func unavailable(_ body: RequestBody) -> GatewayResponse {
        self.outcome = .failed
        self.errorType = "no_healthy_target"
        let (message, date) = ("No target is healthy", self.loop.dateField)
        if case .model(let body) = body, body.format != .openai {
            let error = ProviderError(status: 500, message: message, code: "no_healthy_target")
            return OwnResponse.modelError(ClientFormats.format(body.format), error, date: date)
        }
        return OwnResponse.openAIError(status: 500, message: message, type: "server_error", parameter: nil, code: "no_healthy_target", date: date)
    }

    /// Gives back an attempt that was not made.
    @inline(never)
    private func abandon(_ directed: Directed) {
        let now = MonotonicClock.now()
        directed.director.ended(AttemptReport(target: directed.attempt.target, ending: .cancelled, status: 0, startedAt: now, endedAt: now))
    }

    // MARK: Answers

    /// Looks at an answer as far as its director wants before the client gets it.
    ///
    /// - Returns: the answer to relay.
    /// - Throws: why another target should be tried.
    @inline(never)
    func admit(_ answer: any UpstreamExchange, _ head: HTTPResponseHead, _ directed: Directed) async throws(UpstreamFailure) -> any UpstreamExchange {
        switch directed.director.judge(head, directed.attempt, now: MonotonicClock.now()) {
        case .pass: return answer
        case .decline(let code):
            RequestRun.discard(answer)
            throw .declined(code: code)
        case .firstBytes:
            guard let first = try await answer.readBody() else { return answer }
            return PrimedExchange(answer, first: first)
        case .document(let limit):
            guard var whole = try await answer.readBody() else { throw .malformed(code: "empty_answer") }
            while whole.readableBytes <= limit {
                guard var more = try await answer.readBody() else {
                    do throws(JSONError) { _ = try JSONScanner.scan(whole) } catch { throw .malformed(code: "invalid_json") }
                    return PrimedExchange(answer, first: whole)
                }
                whole.writeBuffer(&more)
            }
            return PrimedExchange(answer, first: whole)
        }
    }

    /// Most bytes of an unwanted answer that are read to keep its connection.
    private static let discardLimit = 65_536

    /// Ends an answer that nobody wants; its connection lives on where the rest is here already.
    private static func discard(_ answer: any UpstreamExchange) {
        var count = 0
        while count <= RequestRun.discardLimit {
            // An answer that fails here has ended as well.
            guard let next = try? answer.pollBody() else { return }
            switch next {
            case .bytes(let bytes): count += bytes.readableBytes
            case .end: return
            case .pending: return answer.cancel()
            }
        }
        answer.cancel()
    }
}

/// An exchange whose first bytes were read already.
final class PrimedExchange: UpstreamExchange {
    private let base: any UpstreamExchange
    private var first: ByteBuffer?

    init(_ base: any UpstreamExchange, first: ByteBuffer) {
        self.base = base
        self.first = first
    }

    var isConnectionReused: Bool { self.base.isConnectionReused }
    var peerAddress: String { self.base.peerAddress }
    var connectedAt: UInt64 { self.base.connectedAt }
    var sentAt: UInt64 { self.base.sentAt }
    var requestBytes: Int { self.base.requestBytes }
    var responseBytes: Int { self.base.responseBytes }
    var trailers: HTTPFields? { self.base.trailers }

    func readHead() async throws(UpstreamFailure) -> HTTPResponseHead { try await self.base.readHead() }

    func readBody() async throws(UpstreamFailure) -> ByteBuffer? {
        if let first = self.first.take() { return first }
        return try await self.base.readBody()
    }

    func pollBody() throws(UpstreamFailure) -> BodyPoll {
        if let first = self.first.take() { return .bytes(first) }
        return try self.base.pollBody()
    }

    func cancel() { self.base.cancel() }
}
