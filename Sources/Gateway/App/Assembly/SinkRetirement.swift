import GatewayCore
import Telemetry

/// Which sinks of replaced configurations may be closed: those of snapshots that no request holds any more.
struct SinkRetirement {
    private struct Replaced {
        weak var snapshot: GatewaySnapshot?
        let sinks: [any EvidenceConsumer]
    }

    private var replaced: [Replaced] = []

    mutating func replaced(_ snapshot: GatewaySnapshot) { self.replaced.append(Replaced(snapshot: snapshot, sinks: snapshot.sinks)) }

    /// The sinks that nobody uses, each once; they are not named again.
    mutating func idle(besides active: [any EvidenceConsumer]) -> [any EvidenceConsumer] {
        let held = self.replaced.filter { $0.snapshot != nil }
        var idle: [any EvidenceConsumer] = []
        for sink in self.replaced.lazy.filter({ $0.snapshot == nil }).flatMap(\.sinks) {
            let isUsed = active.contains { $0 === sink } || held.contains { $0.sinks.contains { $0 === sink } } || idle.contains { $0 === sink }
            if !isUsed { idle.append(sink) }
        }
        self.replaced = held
        return idle
    }
}
