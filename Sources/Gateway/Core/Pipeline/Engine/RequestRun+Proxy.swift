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
        case .begun(let first): return .stream(request.source, request.head.framing, begun: first)
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
        return scope
    }

    /// What is recorded as the upstream's URL.
    func uri(_ endpoint: UpstreamEndpoint, _ target: ByteBuffer, _ evidence: RequestEvidence) -> EvidenceText {
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
        if self.dropsTraceState { skipped.insert(.tracestate) }
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
