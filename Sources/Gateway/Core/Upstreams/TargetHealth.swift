import Synchronization
import Telemetry

/// What is known of one target of an upstream: shared by all loops, without locks on the path; outlives configuration snapshots that keep the target.
public final class TargetHealth: Sendable {
    /// What an attempt or a probe showed.
    public enum Observation: Sendable, Equatable {
        case status(Int)
        /// Connected, where only that is asked.
        case connected
        /// No connection, or one that broke before an answer.
        case tcpFailure
        case timeout
    }

    /// For the log.
    let name: String
    let inFlight = Atomic<Int>(0)
    private let isMarkedHealthy = Atomic<Bool>(true)
    private let successes = Atomic<Int>(0)
    private let tcpFailures = Atomic<Int>(0)
    private let timeouts = Atomic<Int>(0)
    private let httpFailures = Atomic<Int>(0)
    /// Moving average of the time to an answer's head, nanoseconds; 0: none yet.
    private let averageLatency = Atomic<UInt64>(0)

    init(name: String) { self.name = name }

    public var isHealthy: Bool { self.isMarkedHealthy.load(ordering: .relaxed) }
    public var attemptsInFlight: Int { self.inFlight.load(ordering: .relaxed) }
    var latency: UInt64 { self.averageLatency.load(ordering: .relaxed) }

    /// An eighth of each new observation; loops that write at the same instant may lose one.
    func observe(latency: UInt64) {
        let old = self.averageLatency.load(ordering: .relaxed)
        self.averageLatency.store(old == 0 ? max(1, latency) : old - old / 8 + latency / 8, ordering: .relaxed)
    }

    /// Counts an observation by Kong's rules: so many of a kind without one of the other side in between mark the target; 0 switches a count off.
    ///
    /// - Parameter source: `active` or `passive`, for the log.
    public func observe(_ observation: Observation, healthy: UpstreamHealthChecks.Criteria, unhealthy: UpstreamHealthChecks.Criteria, kind: UpstreamHealthChecks.Kind, source: StaticString) {
        switch observation {
        case .connected: self.succeeded(healthy, source)
        case .status(let status):
            if kind == .tcp || healthy.statuses.contains(status) {
                self.succeeded(healthy, source)
            } else if unhealthy.statuses.contains(status) {
                self.failed(self.httpFailures, unhealthy.httpFailures, "http_failures", source)
            }
        case .tcpFailure: self.failed(self.tcpFailures, unhealthy.tcpFailures, "tcp_failures", source)
        case .timeout: self.failed(self.timeouts, unhealthy.timeouts, "timeouts", source)
        }
    }

    private func succeeded(_ criteria: UpstreamHealthChecks.Criteria, _ source: StaticString) {
        TargetHealth.clear(self.tcpFailures)
        TargetHealth.clear(self.timeouts)
        TargetHealth.clear(self.httpFailures)
        guard criteria.successes > 0, !self.isHealthy else { return }
        guard self.successes.wrappingAdd(1, ordering: .relaxed).newValue >= criteria.successes else { return }
        self.mark(healthy: true, because: "successes", source)
    }

    private func failed(_ counter: borrowing Atomic<Int>, _ limit: Int, _ reason: StaticString, _ source: StaticString) {
        guard limit > 0 else { return }
        self.successes.store(0, ordering: .relaxed)
        guard counter.wrappingAdd(1, ordering: .relaxed).newValue >= limit else { return }
        self.mark(healthy: false, because: reason, source)
    }

    /// Looks first: a store would take the line of memory away from the other loops.
    private static func clear(_ counter: borrowing Atomic<Int>) {
        if counter.load(ordering: .relaxed) != 0 { counter.store(0, ordering: .relaxed) }
    }

    private func mark(healthy: Bool, because reason: StaticString, _ source: StaticString) {
        guard self.isMarkedHealthy.exchange(healthy, ordering: .relaxed) != healthy else { return }
        TargetHealth.clear(self.successes)
        TargetHealth.clear(self.tcpFailures)
        TargetHealth.clear(self.timeouts)
        TargetHealth.clear(self.httpFailures)
        if healthy {
            DiagnosticLog.shared.notice("a target is healthy again", ("target", self.name), ("by", "\(source)"))
        } else {
            DiagnosticLog.shared.warning("a target is unhealthy", ("target", self.name), ("by", "\(source)"), ("reason", "\(reason)"))
        }
    }
}

/// The health of all targets of the process, by upstream and target: a reload that keeps a target keeps what is known of it.
public final class UpstreamHealthStore: Sendable {
    private struct Weak { weak var health: TargetHealth? }
    private let known = Mutex<[String: Weak]>([:])

    public init() {}

    func health(upstream: String, target: String) -> TargetHealth {
        let key = "\(upstream)|\(target)"
        return self.known.withLock { known in
            if let health = known[key]?.health { return health }
            known = known.filter { $0.value.health != nil }
            let health = TargetHealth(name: "\(upstream)/\(target)")
            known[key] = Weak(health: health)
            return health
        }
    }
}
