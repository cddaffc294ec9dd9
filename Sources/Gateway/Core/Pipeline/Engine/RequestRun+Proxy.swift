#if canImport(Glibc)
    import Glibc
#endif
import GatewayWire
import NIOCore
import Telemetry

extension RequestRun {
    /// Sends the request to its route's service, again where that is safe, and relays the answer.
    @inline(never)
    func proxyToService(_ request: inout GatewayRequest, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord) async {
        guard let service = request.route.service else { return await self.refuseUnserved() }
        let body: UpstreamBody
        do throws(DownstreamFailure) {
            if let here = try self.bodyNow(&request) { body = here } else { body = try await self.waitForBody(&request) }
        } catch { return await self.refuseBody(error) }
        let isWebSocket = self.asksForWebSocket
        if isWebSocket, await self.refusesWebSocket() { return }
        guard let way = self.prepare(&request, service, body, selection, isWebSocket: isWebSocket) else { return await self.failWithoutTarget() }
        await self.attempt(
            way.prepared, retries: service.entity.retries, isReplayable: way.isReplayable, request: &request, selection: selection, record: record, relay: way.relay)
    }

    @inline(never)
    private func refuseUnserved() async {
        self.outcome = .failed
        self.errorType = "no_service"
        await self.respond(self.error(503, "no Service found with those values"), source: "error")
    }

    /// The body as the service gets it; nil: it has to be waited for.
    @inline(never)
    private func bodyNow(_ request: inout GatewayRequest) throws(DownstreamFailure) -> UpstreamBody? {
        switch request.body {
        case .none: return UpstreamBody.none
        case .bytes(let bytes): return .bytes(bytes)
        case .model(let model): return .bytes(model.bytes)
        case .unread:
            guard self.exchange.isBodyComplete else { return request.route.entity.requestBuffering ? nil : .stream(request.source, request.head.framing) }
            guard let bytes = try request.takeBody(limit: .max) else { return nil }
            self.requestReadAt = MonotonicClock.now()
            return .bytes(bytes)
        }
    }

    @inline(never)
    private func waitForBody(_ request: inout GatewayRequest) async throws(DownstreamFailure) -> UpstreamBody {
        guard self.exchange.isBodyComplete else { return try await self.bufferedBody(request) }
        let bytes = try await request.collectBody(limit: .max)
        self.requestReadAt = MonotonicClock.now()
        return .bytes(bytes)
    }

    /// Answers a handshake that is none.
    @inline(never)
    private func refusesWebSocket() async -> Bool {
        guard let refusal = self.webSocketRefusal() else { return false }
        self.outcome = .rejected
        self.errorType = "websocket_handshake_invalid"
        await self.respond(refusal)
        return true
    }

    /// - Returns: nil when no target of the service's upstream may be used.
    @inline(never)
    private func prepare(
        _ request: inout GatewayRequest, _ service: ServiceRuntime, _ body: UpstreamBody, _ selection: PluginChain.Selection, isWebSocket: Bool
    ) -> (prepared: PreparedRequest, isReplayable: Bool, relay: any ResponseRelay)? {
        var endpoint = service.endpoint
        if let group = service.group {
            let route = GroupRoute(group, request)
            guard let target = route.next() else { return nil }
            endpoint = target.endpoint
            self.cookie = route.cookie
            self.groupRoute = route
        }
        let target = request.target()
        var forwarded = self.forwardedFields(request)
        if selection.readsContent {
            // Stages read what comes back; what is compressed they could not.
            forwarded.skipped.insert(.acceptEncoding)
            forwarded.lines.add(.acceptEncoding, literal: "identity")
        }
        if isWebSocket {
            forwarded.lines.add(.connection, literal: "Upgrade")
            forwarded.lines.add(.upgrade, literal: "websocket")
        }
        let clientHost = request.route.entity.preserveHost ? request.head.authority.map { String(decoding: $0, as: UTF8.self) } : nil
        let prepared = PreparedRequest(
            UpstreamRequest(
                endpoint: endpoint, method: request.head.method, target: target, fields: forwarded.fields, skipped: forwarded.skipped, lines: forwarded.lines,
                host: clientHost ?? service.group?.entity.hostHeader ?? endpoint.authority, body: body, timeouts: service.timeouts))
        var isReplayable = true
        if case .stream = body { isReplayable = false }
        if isWebSocket { return (prepared, isReplayable, WebSocketRelay(run: self, responseFields: request.responseFields)) }
        return (prepared, isReplayable, ServiceRelay(run: self, responseFields: request.responseFields))
    }

    @inline(never)
    private func failWithoutTarget() async {
        self.outcome = .failed
        self.errorType = UpstreamFailure.noTarget.code
        let answer = UpstreamFailure.noTarget.answer
        await self.respond(self.error(answer.status, "\(answer.message)"), source: "error")
    }

    /// Makes attempts until one is answered or none is left.
    @inline(never)
    func attempt(
        _ prepared: PreparedRequest, retries: Int, isReplayable: Bool, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, relay: any ResponseRelay
    ) async {
        self.keep(prepared, selection)
        while true {
            for stage in selection.attempt {
                if let failure = await stage.run(&prepared.value, record) { return await self.fail(failure) }
            }
            let attempt = self.makeAttempt(prepared, relay, nil, record)
            let failure = await self.attemptOnce(attempt, request: &request, selection: selection, record: record)
            // What the target showed: an answer, a failure, or, where the client left, nothing.
            self.groupRoute?.ended(status: self.upstreamStatus, failure: self.isClientGone ? nil : failure, latency: self.upstreamWaitNanoseconds)
            guard let failure else { return }
            if self.isClientGone { return self.cancelled() }
            if let failure = self.exchange.bodyFailure, !self.exchange.hasResponded { return await self.refuseBody(failure) }
            guard !self.exchange.hasResponded else {
                // Bytes of the response are out: the client must see that it is incomplete.
                self.outcome = .failed
                self.errorType = failure.code
                return
            }
            if self.attempts <= retries, self.mayRetry(failure, prepared.value.method, isReplayable: isReplayable) {
                guard self.prepareAgain(prepared) else { return await self.failWithoutTarget() }
                continue
            }
            return await self.respond(self.answer(to: failure, relay), source: "error")
        }
    }

    /// Stages adjust what they are given: another attempt begins with what they were given first.
    @inline(never)
    private func keep(_ prepared: PreparedRequest, _ selection: PluginChain.Selection) { self.replay = selection.attempt.isEmpty ? nil : prepared.value.copy() }

    /// - Returns: false when no target is left.
    @inline(never)
    private func prepareAgain(_ prepared: PreparedRequest) -> Bool {
        if let original = self.replay?.copy() { prepared.value = original }
        guard let route = self.groupRoute else { return true }
        guard let target = route.next() else { return false }
        self.cookie = route.cookie
        if prepared.value.host == prepared.value.endpoint.authority { prepared.value.host = target.endpoint.authority }
        prepared.value.endpoint = target.endpoint
        return true
    }

    /// What the client is told after the last attempt.
    @inline(never)
    private func answer(to failure: UpstreamFailure, _ relay: any ResponseRelay) -> GatewayResponse {
        self.outcome = .failed
        self.errorType = failure.code
        let answer = failure.answer
        return relay.answer(answer.status, "\(answer.message)", code: failure.code)
    }

    /// Whether an attempt may be repeated: always when no byte can have reached the upstream; for idempotent methods (RFC 9110 section 9.2.2) also
    /// when a kept connection was closed without an answer.
    private func mayRetry(_ failure: UpstreamFailure, _ method: HTTPMethod, isReplayable: Bool) -> Bool {
        // Credentials that cannot be had will not be had at once either.
        if case .unauthorized = failure { return false }
        if failure.isBeforeSend { return true }
        guard isReplayable, failure == .closedBeforeResponse, self.lastConnectionWasReused else { return false }
        switch method {
        case .get, .head, .put, .delete, .options, .trace: return true
        case .post, .patch, .connect, .other: return false
        }
    }

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
        self.look(at: attempt, selection)
        if attempt.directed != nil, attempt.failure == nil { await self.admit(attempt) }
        guard attempt.failure == nil, let answer = attempt.answer, let head = self.takeHead(attempt), var scope = attempt.takeScope() else { return self.end(attempt) }
        attempt.failure = await attempt.relay.relay(
            head, answer, request: &request, selection: selection, record: record, scope: &scope, startedAt: attempt.startedAt)
        attempt.giveBack(scope)
        return self.end(attempt)
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
        self.upstreamNanoseconds &+= MonotonicClock.now() &- attempt.startedAt
        defer { if failure != nil { attempt.answer?.cancel() } }
        guard var scope = attempt.takeScope() else { return failure }
        self.close(&scope, attempt)
        let isCancelled = failure == nil ? self.exchange.isClosed && !self.isFinished : self.isClientGone
        if let directed = attempt.directed {
            var ending = AttemptEnding.served
            if isCancelled { ending = .cancelled } else if let failure { ending = self.exchange.hasResponded ? .broken(failure) : .failed(failure) }
            directed.ended(ending, status: attempt.status, startedAt: attempt.startedAt, &scope)
        }
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

    /// Sends a request, authorized where its upstream wants that.
    @inline(__always)
    func send(_ prepared: PreparedRequest, below scope: borrowing ScopeRecord) async throws(UpstreamFailure) -> any UpstreamExchange {
        if let authorizer = prepared.value.authorizer { return try await self.send(prepared, authorizedBy: authorizer, below: scope) }
        return try await self.loop.upstream.send(prepared.value)
    }

    @inline(never)
    private func send(
        _ prepared: PreparedRequest, authorizedBy authorizer: any UpstreamAuthorizer, below scope: borrowing ScopeRecord
    ) async throws(UpstreamFailure) -> any UpstreamExchange {
        // A copy: another attempt begins with the request as it was before it was signed.
        let signed = prepared.copy()
        do throws(AuthorizationFailure) { try await authorizer.authorize(&signed.value, below: scope) } catch {
            DiagnosticLog.shared.error("no credentials for an upstream", ("code", "\(error.code)"), ("reason", error.message), ("request_id", self.requestID))
            throw .unauthorized(code: error.code)
        }
        return try await self.loop.upstream.send(signed.value)
    }

    /// An attempt that is to be made, with its record.
    @inline(never)
    func makeAttempt(_ prepared: PreparedRequest, _ relay: any ResponseRelay, _ directed: Directed?, _ record: borrowing RequestRecord) -> UpstreamAttempt {
        let start = MonotonicClock.now()
        return UpstreamAttempt(prepared, relay, directed, self.openScope(&prepared.value, relay, directed, record), startedAt: start)
    }

    /// Opens the record of an attempt with what is known before it is made.
    private func openScope(
        _ upstream: inout UpstreamRequest, _ relay: any ResponseRelay, _ directed: Directed?, _ record: borrowing RequestRecord
    ) -> ScopeRecord {
        var scope = record.openAttempt()
        self.attempts += 1
        self.lastConnectionWasReused = false
        let endpoint = upstream.endpoint
        let method = upstream.method
        let target = upstream.target
        scope.withAttempt { attempt, evidence in
            attempt.serverAddress = evidence.text(endpoint.host)
            attempt.serverPort = UInt16(clamping: endpoint.port)
            attempt.method = RequestRun.text(method, evidence)
            attempt.path = RequestRun.withPath(of: target) { evidence.text($0) }
            relay.describe(&attempt, evidence)
        }
        relay.describeParameters(&scope)
        directed?.describe(&scope)
        self.propagate(scope, record.evidence, into: &upstream)
        record.update { root, evidence in root.upstreamURI = self.uri(endpoint, target, evidence) }
        return scope
    }

    private func close(_ scope: inout ScopeRecord, _ attempt: UpstreamAttempt) {
        let failure = attempt.failure
        if let failure { scope.fail(failure.code) }
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

    private func uri(_ endpoint: UpstreamEndpoint, _ target: ByteBuffer, _ evidence: RequestEvidence) -> EvidenceText {
        RequestRun.withPath(of: target) { evidence.text(endpoint.origin, $0) }
    }

    /// The bytes of a request target before its query, which may carry keys.
    private static func withPath<R>(of target: ByteBuffer, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        target.withUnsafeReadableBytes { bytes in
            guard let base = bytes.baseAddress, let mark = memchr(base, 0x3f, bytes.count) else { return body(bytes) }
            return body(UnsafeRawBufferPointer(start: base, count: UnsafeRawPointer(mark) - base))
        }
    }

    // MARK: Request fields

    /// Fields of a client that a gateway replaces or does not pass on.
    private static let replacedFields: KnownFieldSet = HopByHop.fields.union([
        .expect, .host, .contentLength, .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .xForwardedPath, .xForwardedPrefix, .xRealIP,
        .xKongRequestID, .traceparent,
    ])

    /// What of the client's fields goes on, and what the gateway says about the client and the request, as Kong does.
    @inline(never)
    func forwardedFields(_ request: borrowing GatewayRequest) -> ForwardedHead {
        var fields = request.fields
        // Fields that Connection nominates are seldom more than the hop-by-hop ones, which are skipped while writing.
        if fields.contains(.connection) { HopByHop.remove(from: &fields) }
        var lines = FieldLines(capacity: 640)
        lines.add(request.lines)
        var skipped = RequestRun.replacedFields.union(request.skipped)
        if request.consumer != nil {
            skipped = skipped.union(GatewayRequest.consumerFields)
            request.writeConsumer(into: &lines)
        }
        let connection = self.connection
        ForwardedFields.write(connection, self.head, received: fields, strippedPrefix: request.strippedPrefix, into: &lines)
        lines.add(.xRealIP, connection.clientAddress)
        lines.add(.via, GatewayIdentity.via)
        lines.add(.xKongRequestID, self.requestID)
        return ForwardedHead(fields: fields, skipped: skipped, lines: lines)
    }
}

/// What of a client's fields goes to the upstream. Not copyable: lines are added to it, which a second owner would make a copy of.
struct ForwardedHead: ~Copyable {
    var fields: HTTPFields
    /// Names in `fields` that are not sent.
    var skipped: KnownFieldSet
    var lines: FieldLines
}
