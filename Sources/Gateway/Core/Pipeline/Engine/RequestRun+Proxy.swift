#if canImport(Glibc)
    import Glibc
#endif
import GatewayWire
import NIOCore
import Telemetry

extension RequestRun {
    /// Sends the request to its upstream, again where that is safe, and relays the answer.
    func proxy(_ request: inout GatewayRequest, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord) async {
        switch request.upstream {
        case .service:
            guard let service = request.route.service else {
                self.outcome = .failed
                self.errorType = "no_service"
                return await self.respond(self.error(503, "no Service found with those values"), source: "error")
            }
            await self.proxyToService(&request, service, selection, record)
        case .model(let plan, let body):
            request.upstream = .service
            await self.proxyToModel(&request, plan, body, selection, record)
        case .directed(let director):
            request.upstream = .service
            await self.proxyDirected(&request, director, selection, record)
        }
    }

    // Not inlined, here and below: what a task needs for a moment would stay in its frame for the length of a stream.
    @inline(never)
    private func proxyToService(
        _ request: inout GatewayRequest, _ service: ServiceRuntime, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord
    ) async {
        let body: UpstreamBody
        switch request.body {
        case .none: body = .none
        case .bytes(let bytes): body = .bytes(bytes)
        case .model(let model): body = .bytes(model.bytes)
        case .unread:
            if self.exchange.isBodyComplete {
                do throws(DownstreamFailure) { body = .bytes(try await request.collectBody(limit: .max)) } catch { return await self.refuseBody(error) }
                self.requestReadAt = MonotonicClock.now()
            } else if request.route.entity.requestBuffering {
                do throws(DownstreamFailure) { body = try await self.bufferedBody(request) } catch { return await self.refuseBody(error) }
            } else {
                body = .stream(request.source, request.head.framing)
            }
        }
        let isWebSocket = self.asksForWebSocket
        if isWebSocket, let refusal = self.webSocketRefusal() {
            self.outcome = .rejected
            self.errorType = "websocket_handshake_invalid"
            return await self.respond(refusal)
        }
        var endpoint = service.endpoint
        if let group = service.group {
            let route = GroupRoute(group, request)
            guard let target = route.next() else { return await self.failWithoutTarget() }
            endpoint = target.endpoint
            self.cookie = route.cookie
            self.groupRoute = route
        }
        let prepared = self.prepare(&request, service, endpoint, body, selection, isWebSocket: isWebSocket)
        var isReplayable = true
        if case .stream = body { isReplayable = false }
        let relay: any ResponseRelay =
            isWebSocket ? WebSocketRelay(run: self, responseFields: request.responseFields) : ServiceRelay(run: self, responseFields: request.responseFields)
        await self.attempt(prepared, retries: service.entity.retries, isReplayable: isReplayable, request: &request, selection: selection, record: record, relay: relay)
    }

    @inline(never)
    private func prepare(
        _ request: inout GatewayRequest, _ service: ServiceRuntime, _ endpoint: UpstreamEndpoint, _ body: UpstreamBody, _ selection: PluginChain.Selection, isWebSocket: Bool
    ) -> PreparedRequest {
        let target = request.target()
        let forwarded = self.forwardedFields(request)
        var (skipped, lines) = (forwarded.skipped, forwarded.lines)
        if selection.readsContent {
            // Stages read what comes back; what is compressed they could not.
            skipped.insert(.acceptEncoding)
            lines.add(.acceptEncoding, literal: "identity")
        }
        if isWebSocket {
            lines.add(.connection, literal: "Upgrade")
            lines.add(.upgrade, literal: "websocket")
        }
        let clientHost = request.route.entity.preserveHost ? request.head.authority.map { String(decoding: $0, as: UTF8.self) } : nil
        return PreparedRequest(
            UpstreamRequest(
                endpoint: endpoint, method: request.head.method, target: target, fields: forwarded.fields, skipped: skipped, lines: lines,
                host: clientHost ?? service.group?.entity.hostHeader ?? endpoint.authority, body: body, timeouts: service.timeouts))
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
            let failure = await self.attemptOnce(prepared, request: &request, selection: selection, record: record, relay: relay)
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
    /// - Parameters:
    ///   - directed: who may prefer another target to the answer, and learns how the attempt ended.
    ///   - opened: the attempt as far as it was made already, beside another one.
    /// - Returns: what went wrong on the upstream's side.
    @inline(never)
    func attemptOnce(
        _ prepared: PreparedRequest, request: inout GatewayRequest, selection: PluginChain.Selection, record: borrowing RequestRecord, relay: any ResponseRelay,
        directed: Directed? = nil, opened: RacingAttempt? = nil
    ) async -> UpstreamFailure? {
        let start = opened?.startedAt ?? MonotonicClock.now()
        var scope: ScopeRecord
        if let begun = opened?.takeScope() { scope = begun } else { scope = self.beginAttempt(&prepared.value, relay, directed, record) }
        defer { self.upstreamNanoseconds &+= MonotonicClock.now() &- start }
        var sent: (any UpstreamExchange)?
        var received: (status: Int, at: UInt64)?
        do throws(UpstreamFailure) {
            var answer: any UpstreamExchange
            if let opened {
                guard let begun = opened.answer else { throw opened.failure ?? .cancelled }
                answer = begun
            } else {
                answer = try await self.send(prepared, below: scope)
            }
            sent = answer
            self.lastConnectionWasReused = answer.isConnectionReused
            self.exchange.servedBy = answer
            if self.exchange.isClosed { answer.cancel() }
            if let failure = opened?.failure { throw failure }
            var head: HTTPResponseHead
            if let known = opened?.head { head = known } else { head = try await answer.readHead() }
            let headAt = MonotonicClock.now()
            if head.fields.contains(.contentEncoding), head.framing != .none, relay.mustRead(selection) { self.decode(&head, &answer) }
            if self.requestReadAt == 0 { self.requestReadAt = answer.sentAt }
            self.upstreamWaitNanoseconds &+= headAt &- start
            self.upstreamStatus = head.status
            if head.status == 401 || head.status == 403 { prepared.value.authorizer?.refused() }
            received = (head.status, headAt)
            if let directed {
                answer = try await self.admit(answer, head, directed)
                if RequestRun.isEventStream(head) || ModelRelay.messageFraming(head) != nil || head.status == 101 { directed.director.settled() }
            }
            // Answered: nothing is sent again, and a stream may last long.
            prepared.value.release()
            self.replay = nil
            let outcome = await relay.relay(head, answer, request: &request, selection: selection, record: record, scope: &scope, startedAt: start)
            self.exchange.servedBy = nil
            self.close(&scope, answer, head: head, headAt: headAt, failure: outcome)
            if let outcome {
                answer.cancel()
                directed?.ended(self.isClientGone ? .cancelled : self.exchange.hasResponded ? .broken(outcome) : .failed(outcome), status: head.status, startedAt: start, &scope)
                scope.finish(self.isClientGone ? .cancelled : .failed)
                return outcome
            }
            directed?.ended(self.exchange.isClosed && !self.isFinished ? .cancelled : .served, status: head.status, startedAt: start, &scope)
            scope.finish(self.exchange.isClosed && !self.isFinished ? .cancelled : head.status >= 400 ? .failed : .passed)
            return nil
        } catch {
            self.exchange.servedBy = nil
            self.close(&scope, sent, received, failure: error)
            sent?.cancel()
            directed?.ended(self.isClientGone ? .cancelled : .failed(error), status: received?.status ?? 0, startedAt: start, &scope)
            scope.finish(self.isClientGone ? .cancelled : .failed)
            return error
        }
    }

    /// Takes off the coding of an upstream that codes although it was asked not to.
    @inline(never)
    private func decode(_ head: inout HTTPResponseHead, _ answer: inout any UpstreamExchange) {
        guard let coding = head.fields.firstString(.contentEncoding), let decoder = self.loop.decoder(coding) else { return }
        answer = DecodedExchange(answer, decoder)
        head = head.decoded()
        self.exchange.servedBy = answer
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
        let signed = PreparedRequest(prepared.value.copy())
        do throws(AuthorizationFailure) { try await authorizer.authorize(&signed.value, below: scope) } catch {
            DiagnosticLog.shared.error("no credentials for an upstream", ("code", "\(error.code)"), ("reason", error.message), ("request_id", self.requestID))
            throw .unauthorized(code: error.code)
        }
        return try await self.loop.upstream.send(signed.value)
    }

    /// Opens the record of an attempt with what is known before it is made.
    @inline(never)
    func beginAttempt(
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

    @inline(never)
    private func close(_ scope: inout ScopeRecord, _ answer: any UpstreamExchange, head: HTTPResponseHead, headAt: UInt64, failure: UpstreamFailure?) {
        if let failure { scope.fail(failure.code) }
        scope.withAttempt { attempt, evidence in
            RequestRun.describe(answer, &attempt, evidence)
            attempt.status = UInt16(clamping: head.status)
            attempt.headAt = headAt
            if let failure {
                attempt.errorType = EvidenceText(self.isClientGone ? "client_closed" : failure.code)
            } else if head.status >= 400 {
                attempt.errorType = evidence.text("\(head.status)")
            }
        }
    }

    /// The same for an attempt whose answer does not reach the client.
    @inline(never)
    private func close(_ scope: inout ScopeRecord, _ sent: (any UpstreamExchange)?, _ received: (status: Int, at: UInt64)?, failure: UpstreamFailure) {
        scope.fail(failure.code)
        scope.withAttempt { attempt, evidence in
            attempt.errorType = EvidenceText(self.isClientGone ? "client_closed" : failure.code)
            // Unanswered, but on a connection: whether that was a kept one explains most of these failures.
            if let sent { RequestRun.describe(sent, &attempt, evidence) }
            if let received {
                attempt.status = UInt16(clamping: received.status)
                attempt.headAt = received.at
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
    func forwardedFields(_ request: borrowing GatewayRequest) -> (fields: HTTPFields, skipped: KnownFieldSet, lines: FieldLines) {
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
        let connection = self.exchange.connection
        ForwardedFields.write(connection, self.head, received: fields, strippedPrefix: request.strippedPrefix, into: &lines)
        lines.add(.xRealIP, connection.clientAddress)
        lines.add(.via, GatewayIdentity.via)
        lines.add(.xKongRequestID, self.requestID)
        return (fields, skipped, lines)
    }

}
