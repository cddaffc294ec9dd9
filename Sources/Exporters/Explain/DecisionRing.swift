import Synchronization
public import Telemetry

/// The decision records of the last so many requests, for `GET /explain/{request_id}`.
///
/// `consume` runs on the drain thread and copies into rooms that are used again, so that it allocates nothing once they have grown.
public final class DecisionRing: EvidenceConsumer, Sendable {
    public let name: StaticString = "explain"

    /// One scope on the request's time line.
    struct Mark {
        var kind: ScopeKind
        /// Where its name lies in the slot's names.
        var nameStart: Int
        var nameEnd: Int
        /// Nanoseconds from the request's start.
        var start: UInt64
        var end: UInt64
        var outcome: Outcome
        var verdict: StageVerdict
        var action: StageAction
        var isShadow: Bool
        /// Index of the enclosing scope, -1 below the request itself.
        var parent: Int
    }

    struct Slot {
        var requestHigh: UInt64 = 0
        var requestLow: UInt64 = 0
        /// The audit line without its closing brace.
        var line: [UInt8] = []
        var names: [UInt8] = []
        var marks: [Mark] = []
        var budget: LatencyBudget?
    }

    private struct State {
        var slots: [Slot]
        var next = 0
        var counts = DeliveryCounts()
    }

    private let lines: AuditLineCache
    private let state: Mutex<State>

    /// - Parameters:
    ///   - capacity: requests that are kept.
    ///   - lines: shared with the audit stream of the same flow, so that each request is encoded once.
    public init(capacity: Int, lines: AuditLineCache) {
        self.lines = lines
        self.state = Mutex(State(slots: Array(repeating: Slot(), count: max(1, capacity))))
    }

    public func consume(_ evidence: RequestEvidence) {
        let line = self.lines.line(for: evidence)
        self.state.withLock { state in
            state.counts.offered += 1
            state.counts.delivered += 1
            DecisionRing.fill(&state.slots[state.next], EvidenceView(evidence), line)
            state.next = (state.next + 1) % state.slots.count
        }
    }

    public func tick(now: UInt64) {}
    public func shutdown(deadline: UInt64) {}
    public func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }

    private static func fill(_ slot: inout Slot, _ view: EvidenceView, _ line: UnsafeRawBufferPointer) {
        let root = view.root
        slot.requestHigh = root.requestIDHigh
        slot.requestLow = root.requestIDLow
        slot.line.removeAll(keepingCapacity: true)
        slot.line.append(contentsOf: line)
        slot.names.removeAll(keepingCapacity: true)
        slot.marks.removeAll(keepingCapacity: true)
        slot.budget = LatencyBudget(view)
        for scope in view.scopes {
            let start = slot.names.count
            var isShadow = false
            switch scope.kind {
            case .stage:
                let stage = view.stages[Int(scope.detail)]
                self.put(stage.plugin, &slot.names)
                slot.names.append(0x20)
                self.put(stage.phase.name, &slot.names)
                isShadow = stage.mode == .shadow
            case .attempt:
                let attempt = view.attempts[Int(scope.detail)]
                let texts = attempt.operation.isEmpty ? [attempt.method, attempt.serverAddress] : [attempt.operation, attempt.requestModel]
                for text in texts where !text.isEmpty {
                    if slot.names.count > start { slot.names.append(0x20) }
                    slot.names.append(contentsOf: view.bytes(of: text))
                }
            case .call: slot.names.append(contentsOf: view.bytes(of: scope.callName))
            }
            slot.marks.append(
                Mark(
                    kind: scope.kind, nameStart: start, nameEnd: slot.names.count, start: scope.start > root.startMonotonic ? scope.start &- root.startMonotonic : 0,
                    end: scope.end > root.startMonotonic ? scope.end &- root.startMonotonic : 0, outcome: scope.outcome, verdict: scope.verdict, action: scope.action,
                    isShadow: isShadow, parent: scope.parentSpanID == root.spanID ? -1 : view.scopes.firstIndex { $0.spanID == scope.parentSpanID } ?? -1))
        }
    }

    private static func put(_ text: StaticString, _ out: inout [UInt8]) { out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }

    // MARK: Asking

    /// The record of a request as JSON: `record` (the audit line), `budget` and `timeline` (microseconds from the request's start). Nil when it is
    /// none of the last ones.
    ///
    /// - Parameter id: 32 hex digits.
    public func explanation(of id: String) -> [UInt8]? {
        guard id.utf8.count == 32, let high = UInt64(id.prefix(16), radix: 16), let low = UInt64(id.suffix(16), radix: 16) else { return nil }
        let found = self.state.withLock { state in state.slots.first { !$0.line.isEmpty && $0.requestHigh == high && $0.requestLow == low } }
        guard let slot = found else { return nil }
        var out = ByteWriter(capacity: slot.line.count + 2048)
        out.put("{\"request_id\":" as StaticString)
        out.putJSON(id)
        out.put(",\"record\":" as StaticString)
        out.put(slot.line)
        out.put("},\"budget\":{" as StaticString)
        if let budget = slot.budget {
            for (name, value) in [("wall_us" as StaticString, budget.wall), ("stages_us", budget.stages), ("upstream_us", budget.upstream), ("other_us", budget.other)] {
                out.member(name)
                out.putMicroseconds(value)
            }
        }
        out.put("},\"timeline\":[" as StaticString)
        for (index, mark) in slot.marks.enumerated() { DecisionRing.write(mark, index, slot, &out) }
        out.put("]}" as StaticString)
        return [UInt8](out.bytes)
    }

    private static func write(_ mark: Mark, _ index: Int, _ slot: Slot, _ out: inout ByteWriter) {
        out.separate()
        out.put("{\"index\":" as StaticString)
        out.putDecimal(Int64(index))
        out.put(",\"kind\":" as StaticString)
        switch mark.kind {
        case .stage: out.putJSON(constant: "stage")
        case .attempt: out.putJSON(constant: "attempt")
        case .call: out.putJSON(constant: "call")
        }
        if mark.parent >= 0 {
            out.member("parent")
            out.putDecimal(Int64(mark.parent))
        }
        out.member("name")
        slot.names[mark.nameStart..<mark.nameEnd].withUnsafeBytes { out.putJSON($0) }
        out.member("start_us")
        out.putMicroseconds(mark.start)
        out.member("duration_us")
        out.putMicroseconds(mark.end > mark.start ? mark.end &- mark.start : 0)
        out.member("outcome")
        out.putJSON(constant: mark.outcome.name)
        if mark.kind == .stage {
            out.member("verdict")
            out.putJSON(constant: mark.verdict.name)
            out.member("action")
            out.putJSON(constant: mark.action.name)
            if mark.isShadow { out.put(",\"mode\":\"shadow\"" as StaticString) }
        }
        out.put(0x7d)
    }
}
