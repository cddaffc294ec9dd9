import GatewayCore
import Telemetry

/// Which sinks may be closed: those that neither the active configuration uses nor one that a request still runs under. A configuration that was refused after its
/// plugins had been made leaves some too.
struct SinkRetirement {
    private struct Replaced {
        weak var snapshot: GatewaySnapshot?
        let sinks: [any EvidenceConsumer]
    }

    private var replaced: [Replaced] = []

    mutating func replaced(_ snapshot: GatewaySnapshot) { self.replaced.append(Replaced(snapshot: snapshot, sinks: snapshot.sinks)) }

    /// The sinks of `all` that nobody uses.
    mutating func idle(of all: [any EvidenceConsumer], besides active: [any EvidenceConsumer]) -> [any EvidenceConsumer] {
        self.replaced.removeAll { $0.snapshot == nil }
        let used = Set((active + self.replaced.flatMap(\.sinks)).map { ObjectIdentifier($0) })
        return all.filter { !used.contains(ObjectIdentifier($0)) }
    }
}
