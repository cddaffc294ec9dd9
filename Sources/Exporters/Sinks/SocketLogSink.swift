import Synchronization
public import Telemetry

/// Audit lines (without the chain) over TCP, TLS, UDP, or to the local syslog: Kong's `tcp-log`, `udp-log` and `syslog`.
///
/// Lines wait in a bounded queue for a thread of their own, which connects, sends and tries again; what does not fit is dropped and counted.
/// These protocols have no answers: "delivered" means handed to the network.
public final class SocketLogSink: LogLineSink, @unchecked Sendable {
    // Unchecked: `transport` belongs to the sending thread; the rest is in `state`.

    public let name: StaticString

    private struct State {
        var counts = DeliveryCounts()
        var queue: [[UInt8]] = []
        var bytes = 0
        var isRunning = false
        /// When set, what is left after it is dropped (``MonotonicClock``).
        var deadline: UInt64?
        var isFailing = false
        /// Whether everything that waited was counted as dropped: a send that returns later counts nothing, its lines were among it.
        var isOver = false
    }

    private let format: SocketLogFormat
    private let transport: SocketTransport
    private let registry: MetricRegistry
    private let log: DiagnosticLog
    private let lines: AuditLineCache
    private let state = Mutex(State())
    private let wake = ThreadSignal()
    private let ended = ThreadSignal()

    static let maximumLines = 10_000
    static let maximumBytes = 8 << 20
    private static let shortestPause: UInt64 = 100_000_000
    private static let longestPause: UInt64 = 10_000_000_000

    /// - Parameter lines: shared with the audit stream of the same flow, so that each request is encoded once.
    public init(place: SocketLogPlace, registry: MetricRegistry, lines: AuditLineCache, log: DiagnosticLog = .shared) {
        self.name = place.consumerName
        self.format = SocketLogFormat(place)
        self.transport = SocketTransport(place)
        self.registry = registry
        self.lines = lines
        self.log = log
    }

    public func consume(_ evidence: RequestEvidence) { self.take(self.lines.line(for: evidence), of: evidence) }

    public func take(_ line: UnsafeRawBufferPointer, of evidence: RequestEvidence) {
        guard let line = self.format.line(line, evidence) else {
            // Less severe than what is to be logged.
            return self.state.withLock {
                $0.counts.offered += 1
                $0.counts.sampledOut += 1
            }
        }
        let (isFirst, reason) = self.state.withLock { state -> (Bool, StaticString?) in
            state.counts.offered += 1
            guard state.deadline == nil, state.queue.count < SocketLogSink.maximumLines, state.bytes + line.count <= SocketLogSink.maximumBytes else {
                state.counts.dropped += 1
                return (false, state.deadline == nil ? "queue_full" : "shutdown")
            }
            state.counts.queued += 1
            state.queue.append(line)
            state.bytes += line.count
            defer { state.isRunning = true }
            return (!state.isRunning, nil)
        }
        if let reason { self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "\(reason)"]) }
        if isFirst { self.startThread() }
    }

    /// Wakes the sender: a batch forms between two ticks.
    public func tick(now: UInt64) {
        if self.state.withLock({ !$0.queue.isEmpty }) { self.wake.notify() }
    }

    public func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }

    public func prepareShutdown(deadline: UInt64) {
        self.state.withLock { $0.deadline = deadline }
        self.wake.notify()
    }

    public func shutdown(deadline: UInt64) {
        self.prepareShutdown(deadline: deadline)
        while self.state.withLock({ $0.isRunning }), MonotonicClock.now() < deadline &+ 1_000_000_000 { self.ended.wait(nanoseconds: 20_000_000) }
        self.dropRest()
    }

    // MARK: The sending thread

    private func startThread() {
        let code = WorkerThread.start("log-socket") { self.run() }
        if code != 0 {
            self.state.withLock { $0.isRunning = false }
            self.log.error("the thread of a log sink could not be started", ("sink", "\(self.name)"), ("errno", "\(code)"))
        }
    }

    private func run() {
        var pause = SocketLogSink.shortestPause
        while true {
            let (batch, deadline) = self.state.withLock { (Array($0.queue.prefix(256)), $0.deadline) }
            if batch.isEmpty {
                if deadline != nil { break }
                self.wake.wait(nanoseconds: 1_000_000_000)
                continue
            }
            if let deadline, MonotonicClock.now() >= deadline { break }
            let sent = self.transport.send(batch)
            self.settle(sent, of: batch)
            if sent.failure == nil {
                pause = SocketLogSink.shortestPause
                continue
            }
            if deadline != nil, MonotonicClock.now() &+ pause >= deadline ?? 0 { break }
            self.wait(pause)
            pause = min(pause * 2, SocketLogSink.longestPause)
        }
        self.transport.close()
        self.state.withLock { $0.isRunning = false }
        self.ended.notify()
    }

    /// Lets the pause pass; ticks wake the thread, the end of the process ends the pause.
    private func wait(_ pause: UInt64) {
        let end = MonotonicClock.now() &+ pause
        while true {
            let now = MonotonicClock.now()
            if now >= end || self.state.withLock({ $0.deadline }).map({ now >= $0 }) == true { return }
            self.wake.wait(nanoseconds: min(end - now, 100_000_000))
        }
    }

    private func settle(_ sent: SocketTransport.Sent, of batch: [[UInt8]]) {
        let gone = sent.lines + sent.refused
        let wasFailing = self.state.withLock { state -> Bool? in
            guard !state.isOver else { return nil }
            state.bytes -= batch.prefix(gone).reduce(0) { $0 + $1.count }
            state.queue.removeFirst(gone)
            state.counts.queued -= UInt64(gone)
            state.counts.delivered += UInt64(sent.lines)
            state.counts.dropped += UInt64(sent.refused)
            defer { state.isFailing = sent.failure != nil }
            return state.isFailing
        }
        guard let wasFailing else { return }
        if sent.refused > 0 { self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "too_large"], by: Int64(sent.refused)) }
        if sent.inDoubt > 0 { self.registry.add(Instruments.possibleDuplicates, ["\(self.name)"], by: Int64(sent.inDoubt)) }
        if let failure = sent.failure, !wasFailing {
            self.log.warning("a log sink cannot deliver; lines wait", ("sink", "\(self.name)"), ("to", self.transport.description), ("reason", "\(failure)"))
        } else if sent.failure == nil, wasFailing {
            self.log.notice("a log sink delivers again", ("sink", "\(self.name)"), ("to", self.transport.description))
        }
    }

    /// The counts are final from here on: who removes a sink adds them to its totals. So lines of a send that still waits are lost to them
    /// even if the receiver takes them at last.
    private func dropRest() {
        let rest = self.state.withLock { state in
            state.isOver = true
            let rest = state.counts.queued
            state.counts.queued = 0
            state.counts.dropped += rest
            state.queue.removeAll()
            state.bytes = 0
            return rest
        }
        if rest > 0 { self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "shutdown"], by: Int64(rest)) }
    }
}
