import GatewayWire
import NIOCore
import Telemetry

/// Relays the answer to a WebSocket handshake: a session after 101, an ordinary answer otherwise.
final class WebSocketRelay: ResponseRelay {
    private let run: RequestRun
    private let responseFields: [(name: String, value: String)]
    private let ordinary: ServiceRelay
    /// Of a session with a model.
    private let watcher: SessionWatcher?
    private let gate: SessionGate?
    private let hidden: KnownFieldSet

    /// - Parameter hidden: fields of the upstream's answer that the client does not get.
    init(run: RequestRun, responseFields: [(name: String, value: String)], watcher: SessionWatcher? = nil, gate: SessionGate? = nil, hiding hidden: KnownFieldSet = []) {
        self.watcher = watcher
        self.gate = gate
        self.hidden = hidden
        self.run = run
        self.responseFields = responseFields
        self.ordinary = ServiceRelay(run: run, responseFields: responseFields)
    }

    func describe(_ attempt: inout AttemptEvidence, _ evidence: RequestEvidence) { attempt.isStream = true }
    func describeParameters(_ scope: inout ScopeRecord) {}
    func observe(_ bytes: ByteBuffer) {}
    func answer(_ status: Int, _ message: String, code: StaticString) -> GatewayResponse { self.run.error(status, message) }

    @inline(never)
    func relay(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        guard head.status == 101 else {
            return await self.ordinary.relay(head, answer, request: &request, selection: selection, record: record, scope: &scope, startedAt: startedAt)
        }
        switch self.open(head, answer, selection, record, startedAt: startedAt) {
        case .session(let session):
            await session.run()
            self.run.loop.webSockets[ObjectIdentifier(session)] = nil
            return self.conclude(session, &scope)
        case .malformed(let code): return .malformed(code: code)
        case .refused(let failure):
            answer.cancel()
            await self.run.fail(failure)
            return nil
        }
    }

    private enum Opening {
        case session(WebSocketSession)
        case malformed(code: StaticString)
        indirect case refused(PluginFailure)
    }

    /// Looks at the upstream's half of the handshake, and passes it on.
    @inline(never)
    private func open(
        _ head: HTTPResponseHead, _ answer: any UpstreamExchange, _ selection: PluginChain.Selection, _ record: borrowing RequestRecord, startedAt: UInt64
    ) -> Opening {
        guard head.fields.lists(.upgrade, token: "websocket") else { return .malformed(code: "upgrade_invalid") }
        if let key = self.run.exchange.webSocketKey, head.fields.firstString(name: "sec-websocket-accept") != WebSocketRelay.acceptance(of: key) {
            return .malformed(code: "websocket_accept_invalid")
        }
        // What comes is no response that they could read or change.
        for stage in selection.response {
            if let failure = stage.skip("response_streamed", record) { return .refused(failure) }
        }
        let added: [(name: String, value: String)] = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
        self.run.relayHead(head, hiding: self.hidden, added: self.responseFields + added, startedAt: startedAt, framing: .none)
        self.run.exchange.flush()
        let isCompressed = head.fields.firstString(name: "sec-websocket-extensions")?.hasPrefix("permessage-deflate") ?? false
        let settings = self.run.snapshot.settings
        let session = WebSocketSession(
            self.run.exchange, answer, maximumMessageBytes: settings.limits.webSocketMessageBytes, isCompressed: isCompressed,
            pingInterval: UInt64(settings.timeouts.webSocketPingSeconds * 1e9), now: MonotonicClock.now(), watcher: self.watcher, gate: self.gate)
        let loop = self.run.loop
        loop.webSockets[ObjectIdentifier(session)] = session
        if loop.isGoingAway { session.goAway() }
        return .session(session)
    }

    /// What an upstream answers to a key (RFC 6455 section 4.2.2).
    static func acceptance(of key: String) -> String { Base64Text.encode(SHA1.digest(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))) }

    @inline(never)
    private func conclude(_ session: WebSocketSession, _ scope: inout ScopeRecord) -> UpstreamFailure? {
        let (sent, received) = (session.fromClient.counts, session.fromUpstream.counts)
        scope.set(AttributeNames.webSocketMessagesSent, .int(Int64(sent.messages)))
        scope.set(AttributeNames.webSocketMessagesReceived, .int(Int64(received.messages)))
        scope.set(AttributeNames.webSocketBytesSent, .int(Int64(sent.payloadBytes)))
        scope.set(AttributeNames.webSocketBytesReceived, .int(Int64(received.payloadBytes)))
        scope.set(AttributeNames.webSocketCloseCode, .int(Int64(session.closeCode)))
        if let initiator = session.initiator { scope.set(AttributeNames.webSocketCloseInitiator, .name(initiator.name)) }
        if let violation = session.violation {
            self.run.outcome = .rejected
            self.run.errorType = violation.code
            self.run.isFinished = true
            scope.fail(violation.code)
            return nil
        }
        if let refusal = session.refusal {
            self.run.outcome = .rejected
            self.run.errorType = refusal
            self.run.isFinished = true
            scope.fail(refusal)
            return nil
        }
        if let silent = session.silentSide {
            self.run.outcome = silent == .client ? .cancelled : .failed
            self.run.errorType = "websocket_ping_timeout"
            self.run.isFinished = true
            scope.fail("websocket_ping_timeout")
            return nil
        }
        if let failure = session.upstreamFailure {
            self.run.abort()
            return failure
        }
        if session.initiator != .gateway, session.clientFailure != nil, session.fromClient.closeCode == nil, session.fromUpstream.closeCode == nil {
            self.run.cancelled()
        } else {
            self.run.isFinished = true
        }
        return nil
    }
}

extension RequestRun {
    /// Whether the client asks for a WebSocket connection (RFC 6455 section 4.1).
    var asksForWebSocket: Bool {
        self.head.fields.contains(.upgrade) && self.head.method == .get && self.head.fields.lists(.upgrade, token: "websocket")
            && self.head.fields.lists(.connection, token: "upgrade")
    }

    /// What is wrong with a handshake before any upstream sees it; nil: nothing.
    func webSocketRefusal() -> GatewayResponse? {
        guard self.exchange.canSwitchProtocols, self.head.fields.firstString(name: "sec-websocket-key") != nil, self.head.framing == .none else {
            return self.error(400, "invalid WebSocket handshake")
        }
        guard self.head.fields.firstString(name: "sec-websocket-version") == "13" else {
            var response = self.error(426, "unsupported WebSocket version")
            _ = response.fields.append(.upgrade, "websocket")
            _ = response.fields.append(name: "Sec-WebSocket-Version", "13")
            return response
        }
        return nil
    }
}
