#if canImport(Glibc)
    import Glibc
#endif
import GatewayCore
import Synchronization
import Telemetry

/// `lowest-latency`: the target whose moving average times the attempts under way is lowest.
///
/// Peak EWMA, after Finagle's (https://twitter.github.io/finagle/guide/Clients.html#power-of-two-choices-p2c-least-loaded): an observation above the
/// average replaces it at once, one below draws it down by how long ago the last one was. What was not observed for the decay time is asked again by ONE
/// request: a target that recovered gets its traffic after that one, never a crowd before it.
final class LowestLatency: SelectionAlgorithm {
    private let cells: [TargetCells]
    private let table: TargetTable
    private let measure: LatencyMeasure
    private let decay: UInt64
    /// Worst average that is kept, seconds.
    static let ceiling = 600.0

    init(cells: [TargetCells], measure: LatencyMeasure, decay: UInt64) {
        self.cells = cells
        self.table = TargetTable(cells)
        self.measure = measure
        self.decay = max(1, decay)
    }

    func select(_ input: SelectionInput) -> Selection {
        let now = input.now
        var unmeasured = TargetSet()
        var measured = TargetSet()
        var explored = -1
        let decay = self.decay
        let table = self.table
        input.eligible.forEach { target in
            let at = table.read(target) { $0.latencyAt.load(ordering: .relaxed) }
            if at == 0 { unmeasured.insert(target) } else { measured.insert(target) }
            guard explored < 0, at == 0 || now &- at > decay else { return }
            let asked = table.read(target) { $0.exploredAt.load(ordering: .relaxed) }
            if asked != 0, now &- asked <= decay { return }
            // Every loop may see the target as due; one of them gets it.
            if table.read(target, { $0.exploredAt.claim(from: asked, to: now) }) { explored = target }
        }
        if explored >= 0 { return Selection(target: explored, reason: unmeasured.contains(explored) ? "unmeasured" : "exploration") }
        let candidates = measured.isEmpty ? input.eligible : measured
        let isMeasured = !measured.isEmpty
        let target = Lowest.pick(candidates, count: table.count, from: input.ticket) { target in
            table.read(target) { cell in
                let load = Double(cell.inFlight.load(ordering: .relaxed) + 1)
                return isMeasured ? cell.latency.real * load : load
            }
        }
        return Selection(target: target, reason: isMeasured ? "lowest_latency" : "unmeasured")
    }

    func observe(_ report: AttemptReport, isSuccess: Bool) {
        let cell = self.cells[report.target]
        guard isSuccess else {
            // A failure is no latency; a fast one must not make its target the fastest.
            let elapsed = Double(report.endedAt &- report.startedAt) / 1e9
            cell.latency.update { min(LowestLatency.ceiling, max($0 * 2, elapsed, 0.001)) }
            cell.latencyAt.store(report.endedAt, ordering: .relaxed)
            return
        }
        guard let seconds = LowestLatency.seconds(report, self.measure) else { return }
        let last = cell.latencyAt.exchange(report.endedAt, ordering: .relaxed)
        let age = report.endedAt &- last
        guard last != 0, age <= self.decay else { return cell.latency.set(seconds) }
        let kept = exp(-Double(age) / Double(self.decay) * 4)
        // A burst of answers within an instant must move the average too.
        let weight = max(0.05, 1 - kept)
        cell.latency.update { old in seconds > old ? seconds : old + (seconds - old) * weight }
    }

    /// The latency that an attempt showed; nil: it does not tell.
    static func seconds(_ report: AttemptReport, _ measure: LatencyMeasure) -> Double? {
        let whole = Double(report.endedAt &- report.startedAt) / 1e9
        switch measure {
        case .endToEnd: return whole
        case .perToken:
            let streamed = report.firstChunkAt > 0 && report.lastChunkAt > report.firstChunkAt
            let duration = streamed ? Double(report.lastChunkAt - report.firstChunkAt) / 1e9 : whole
            // The first token is no part of the time per token of a stream.
            let tokens = report.usage.source != .none && report.usage.output > 0 ? report.usage.output : Int64(clamping: report.chunkCount)
            let counted = streamed ? tokens - 1 : tokens
            return counted > 0 ? duration / Double(counted) : nil
        }
    }
}
