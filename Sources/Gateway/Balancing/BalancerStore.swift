public import GatewayCore
import Synchronization
public import Telemetry

/// All balancers of the process, and what they know of their targets. A target's figures live as long as a balancer of the same instance has the target, so
/// a reload that changes weights, or adds a target, forgets nothing about the others.
public final class BalancerStore: BalancerDirectory {
    private struct State {
        var balancers: [BalancerKey: WeakBalancer] = [:]
        var cells: [TargetKey: SharedCells] = [:]
    }

    private struct BalancerKey: Hashable {
        let id: String
        let targets: [BalancedTarget]
        let settings: BalancerSettings
    }

    private struct TargetKey: Hashable {
        let id: String
        let key: String
        /// Figures of another kind must not be taken for these.
        let latency: LatencyMeasure
        let usage: UsageMeasure

        init(id: String, _ target: BalancedTarget, _ settings: BalancerSettings) {
            self.id = id
            self.key = target.key
            self.latency = settings.latency
            self.usage = settings.usage
        }
    }

    private struct WeakBalancer { weak var balancer: Balancer? }

    /// Counted rather than referred to weakly: a weak reference would make every use of the cells on the path a detour.
    private struct SharedCells {
        let cells: TargetCells
        var balancers: Int
    }

    private let state = Mutex(State())
    private let registry: MetricRegistry?
    private let caller: (any HTTPCaller)?
    private let spans = Mutex<(any LibrarySpanSink)?>(nil)

    /// - Parameters:
    ///   - registry: where circuit, load and latency of the targets can be read; nil: nowhere.
    ///   - caller: what sends copies of mirrored requests; nil: none are sent.
    public init(registry: MetricRegistry? = nil, caller: (any HTTPCaller)? = nil) {
        self.registry = registry
        self.caller = caller
    }

    public func balancer(id: String, targets: [BalancedTarget], settings: BalancerSettings) -> any TargetBalancer {
        let key = BalancerKey(id: id, targets: targets, settings: settings)
        let (balancer, isNew) = self.state.withLock { state -> (Balancer, Bool) in
            if let known = state.balancers[key]?.balancer { return (known, false) }
            state.balancers = state.balancers.filter { $0.value.balancer != nil }
            let cells = targets.map { target in
                let key = TargetKey(id: id, target, settings)
                var shared = state.cells[key] ?? SharedCells(cells: TargetCells(), balancers: 0)
                shared.balancers += 1
                state.cells[key] = shared
                return shared.cells
            }
            let made = Balancer(targets: targets, settings: settings, cells: cells, onEnd: self.ending(id, targets, settings))
            state.balancers[key] = WeakBalancer(balancer: made)
            return (made, true)
        }
        if isNew {
            self.observe(id, balancer)
            if balancer.settings.healthInterval > 0, let caller { HealthChecks.start(balancer, caller) }
        }
        return balancer
    }

    // MARK: Mirrored requests

    /// Where the spans of copies go; nil: nowhere.
    public func setSpans(_ sink: (any LibrarySpanSink)?) { self.spans.withLock { $0 = sink } }

    public func mirror(_ copy: MirroredCopy) {
        guard let caller else { return }
        let (start, startedAt) = (MonotonicClock.now(), MonotonicClock.wall())
        // On no loop, and bounded by the caller's own queue: copies must not delay what clients wait for.
        Task.detached { [self] in
            let failure: String
            var answer: HTTPAnswer?
            do throws(HTTPCallFailure) {
                let received = try await caller.exchange(copy.call)
                failure = received.status >= 400 ? "\(received.status)" : ""
                answer = received
            } catch { failure = "\(error.code.name)" }
            let elapsed = MonotonicClock.now() &- start
            self.compared(MirroredOutcome(pluginID: copy.pluginID, target: copy.target, isCopy: true, failure: failure, nanoseconds: elapsed))
            self.spans.withLock { $0 }?.take(MirrorSpan.make(copy, answer, failure: failure, start: startedAt, end: startedAt &+ elapsed))
        }
    }

    public func compared(_ outcome: MirroredOutcome) {
        self.registry?.record(
            Instruments.balancerMirror, [outcome.pluginID, outcome.target, outcome.isCopy ? "copy" : "original", outcome.failure], Double(outcome.nanoseconds) / 1e9)
    }

    // MARK: Gauges

    private func observe(_ id: String, _ balancer: Balancer) {
        guard let registry else { return }
        let (circuit, isChecked) = (balancer.circuit, balancer.settings.healthInterval > 0)
        for (target, cells) in zip(balancer.targets, balancer.cells) {
            let values = [id, target.name]
            registry.observe(Instruments.balancerCircuit, values) {
                if isChecked, cells.isDown.load(ordering: .relaxed) { return 2 }
                return switch circuit.state(cells, now: MonotonicClock.now()) {
                case .closed: 0
                case .halfOpen, .onTrial: 1
                case .open: 2
                }
            }
            registry.observe(Instruments.balancerInFlight, values) { Double(cells.inFlight.load(ordering: .relaxed)) }
            if balancer.settings.algorithm == .lowestLatency { registry.observe(Instruments.balancerLatency, values) { cells.latency.real } }
            if balancer.settings.algorithm == .lowestUsage {
                let isScore = balancer.settings.usage == .accuracy
                registry.observe(Instruments.balancerUsage, values) { isScore ? cells.score.real : cells.usage.real }
            }
        }
    }

    /// What the end of a balancer leads to.
    private func ending(_ id: String, _ targets: [BalancedTarget], _ settings: BalancerSettings) -> @Sendable () -> Void {
        // A task of its own: the last reference may be given up while the store's lock is held.
        { [weak self] in Task.detached { self?.forget(id, targets, settings) } }
    }

    /// Takes cells and gauges away, unless a newer balancer of the instance has the target too.
    private func forget(_ id: String, _ targets: [BalancedTarget], _ settings: BalancerSettings) {
        let remaining = self.state.withLock { state in
            for target in targets {
                let key = TargetKey(id: id, target, settings)
                guard let shared = state.cells[key] else { continue }
                state.cells[key] = shared.balancers > 1 ? SharedCells(cells: shared.cells, balancers: shared.balancers - 1) : nil
            }
            return Set(state.balancers.filter { $0.key.id == id && $0.value.balancer != nil }.flatMap { $0.key.targets.map(\.name) })
        }
        guard let registry else { return }
        for target in targets where !remaining.contains(target.name) {
            for instrument in [Instruments.balancerCircuit, Instruments.balancerInFlight, Instruments.balancerLatency, Instruments.balancerUsage] {
                registry.stopObserving(instrument, [id, target.name])
            }
        }
    }
}
