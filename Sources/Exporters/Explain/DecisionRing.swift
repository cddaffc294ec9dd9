import Synchronization
public import Telemetry

/// The decision records of the last so many requests, for `GET /explain/{request_id}`.
///
/// `consume` runs on the drain thread and copies the evidence into rooms that are used again, so that it allocates nothing once they have grown. Text is
/// made of it only for the few requests that somebody asks about.
public final class DecisionRing: EvidenceConsumer, Sendable {
    public let name: StaticString = "explain"

    private struct State {
        /// Made when they are first used.
        var slots: [RequestEvidence] = []
        let capacity: Int
        var next = 0
        var counts = DeliveryCounts()
        let encoder = AuditLineEncoder()
    }

    private let state: Mutex<State>

    /// - Parameter capacity: requests that are kept.
    public init(capacity: Int) { self.state = Mutex(State(capacity: max(1, capacity))) }

    public func consume(_ evidence: RequestEvidence) {
        self.state.withLock { state in
            state.counts.offered += 1
            state.counts.delivered += 1
            if state.next == state.slots.count { state.slots.append(RequestEvidence()) }
            state.slots[state.next].copy(evidence)
            state.next = (state.next + 1) % state.capacity
        }
    }

    public func tick(now: UInt64) {}
    public func shutdown(deadline: UInt64) {}
    public func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }

    // MARK: Asking

    /// The record of a request as JSON: `record` (the audit line), `budget` and `timeline` (microseconds from the request's start). Nil when it is
    /// none of the last ones.
    ///
    /// - Parameter id: 32 hex digits.
    public func explanation(of id: String) -> [UInt8]? {
        guard id.utf8.count == 32, let high = UInt64(id.prefix(16), radix: 16), let low = UInt64(id.suffix(16), radix: 16) else { return nil }
        return self.state.withLock { state in
            guard let evidence = state.slots.first(where: { $0.root.requestIDHigh == high && $0.root.requestIDLow == low }) else { return nil }
            let view = EvidenceView(evidence)
            var out = ByteWriter(capacity: 8192)
            out.put("{\"request_id\":" as StaticString)
            out.putJSON(id)
            out.put(",\"record\":" as StaticString)
            state.encoder.encode(evidence, into: &out)
            out.put("},\"budget\":{" as StaticString)
            let budget = LatencyBudget(view)
            for (name, value) in [("wall_us" as StaticString, budget.wall), ("stages_us", budget.stages), ("upstream_us", budget.upstream), ("other_us", budget.other)] {
                out.member(name)
                out.putMicroseconds(value)
            }
            out.put("},\"timeline\":[" as StaticString)
            for index in view.scopes.indices { DecisionRing.write(index, view, &out) }
            out.put("]}" as StaticString)
            return [UInt8](out.bytes)
        }
    }

    /// One scope on the request's time line.
    private static func write(_ index: Int, _ view: EvidenceView, _ out: inout ByteWriter) {
        let scope = view.scopes[index]
        let begin = view.root.startMonotonic
        out.separate()
        out.put("{\"index\":" as StaticString)
        out.putDecimal(Int64(index))
        out.put(",\"kind\":" as StaticString)
        switch scope.kind {
        case .stage: out.putJSON(constant: "stage")
        case .attempt: out.putJSON(constant: "attempt")
        case .call: out.putJSON(constant: "call")
        }
        // Absent below the request itself.
        if scope.parentSpanID != view.root.spanID, let parent = view.scopes.firstIndex(where: { $0.spanID == scope.parentSpanID }) {
            out.member("parent")
            out.putDecimal(Int64(parent))
        }
        out.member("name")
        self.name(of: scope, view).withUnsafeBytes { out.putJSON($0) }
        let start = scope.start > begin ? scope.start &- begin : 0
        let end = scope.end > begin ? scope.end &- begin : 0
        out.member("start_us")
        out.putMicroseconds(start)
        out.member("duration_us")
        out.putMicroseconds(end > start ? end &- start : 0)
        out.member("outcome")
        out.putJSON(constant: scope.outcome.name)
        if scope.kind == .stage {
            out.member("verdict")
            out.putJSON(constant: scope.verdict.name)
            out.member("action")
            out.putJSON(constant: scope.action.name)
            if view.stages[Int(scope.detail)].mode == .shadow { out.put(",\"mode\":\"shadow\"" as StaticString) }
        }
        out.put(0x7d)
    }

    private static func name(of scope: ScopeEvidence, _ view: EvidenceView) -> [UInt8] {
        var name: [UInt8] = []
        switch scope.kind {
        case .stage:
            let stage = view.stages[Int(scope.detail)]
            self.put(stage.plugin, &name)
            name.append(0x20)
            self.put(stage.phase.name, &name)
        case .attempt:
            let attempt = view.attempts[Int(scope.detail)]
            let texts = attempt.operation.isEmpty ? [attempt.method, attempt.serverAddress] : [attempt.operation, attempt.requestModel]
            for text in texts where !text.isEmpty {
                if !name.isEmpty { name.append(0x20) }
                name.append(contentsOf: view.bytes(of: text))
            }
        case .call: name.append(contentsOf: view.bytes(of: scope.callName))
        }
        return name
    }

    private static func put(_ text: StaticString, _ out: inout [UInt8]) { out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }
}
