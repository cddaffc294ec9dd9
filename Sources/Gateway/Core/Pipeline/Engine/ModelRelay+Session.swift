import GatewayWire
import NIOCore
import Telemetry

extension ModelRelay {
    /// Relays a session with a model over a WebSocket, and puts what its events said into the evidence when it ends.
    @inline(never)
    func relaySession(
        _ head: consuming HTTPResponseHead, _ answer: any UpstreamExchange, request: inout GatewayRequest, selection: PluginChain.Selection,
        record: borrowing RequestRecord, scope: inout ScopeRecord, startedAt: UInt64
    ) async -> UpstreamFailure? {
        guard self.plan.operation == .realtime else { return .malformed(code: "upgrade_unasked") }
        // Stages read server-sent events: what they cannot see must not pass them.
        guard selection.stream.isEmpty else { return .malformed(code: "stream_stages_unsupported") }
        // Google's servers send text in binary messages.
        let watcher = SessionWatcher(
            self.plan.adapter.makeReader(.realtime, hidesUsage: false), maximumMessageBytes: ModelRelay.documentLimit, readsBinary: self.plan.offer.format.name == .gemini)
        let gate = self.plan.sessionModels.map { SessionGate(allowed: $0, maximumBytes: ModelRelay.documentLimit) }
        let session = WebSocketRelay(run: self.run, responseFields: self.responseFields, watcher: watcher, gate: gate, hiding: ModelRelay.hiddenFields)
        let failure = await session.relay(head, answer, request: &request, selection: selection, record: record, scope: &scope, startedAt: startedAt)
        let facts = watcher.facts
        self.record(facts, &scope)
        scope.set(AttributeNames.realtimeResponses, .int(Int64(facts.sessionAnswers)))
        return failure
    }
}
