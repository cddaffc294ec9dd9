import Synchronization
package import Telemetry

/// Keeps what it is given, and can lose some of it.
package final class KeepingConsumer: EvidenceConsumer {
    private struct State {
        var requests: [RecordedRequest] = []
        var counts = DeliveryCounts()
        var losesNext = false
        var ticks = 0
        var shutdowns = 0
    }

    package let name: StaticString = "keeping"
    private let state = Mutex(State())
    private let keepsEvidence: Bool

    package init(keepsEvidence: Bool = true) { self.keepsEvidence = keepsEvidence }

    package var requests: [RecordedRequest] { self.state.withLock { $0.requests } }
    package var ticks: Int { self.state.withLock { $0.ticks } }
    package var shutdowns: Int { self.state.withLock { $0.shutdowns } }
    package func loseNext() { self.state.withLock { $0.losesNext = true } }

    package func consume(_ evidence: RequestEvidence) {
        let request = self.keepsEvidence ? RecordedRequest(evidence) : nil
        self.state.withLock { state in
            state.counts.offered += 1
            if state.losesNext {
                state.losesNext = false
            } else {
                state.counts.delivered += 1
            }
            if let request { state.requests.append(request) }
        }
    }

    package func tick(now: UInt64) { self.state.withLock { $0.ticks += 1 } }
    package func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }
    package func shutdown(deadline: UInt64) { self.state.withLock { $0.shutdowns += 1 } }
}
