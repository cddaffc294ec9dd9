#if canImport(Glibc)
    import Glibc
#endif
import Synchronization
public import Telemetry

/// The built-in audit stream: one JSON object a line for every finished request, chained by hashes, on one file.
///
/// Lines are sealed when they are encoded and written when the buffer is full or at the next tick. A write that fails loses the buffer:
/// the file is cut back to its last whole line, the chain goes on from there, the loss is counted, and the next line says how many are
/// missing (`gap`).
public final class AuditStream: EvidenceConsumer, Sendable {
    public let name: StaticString = "audit"

    struct State: ~Copyable {
        var counts = DeliveryCounts()
        var file: AppendFile?
        var buffer = ByteWriter(capacity: 1 << 17)
        /// Requests whose lines are in the buffer.
        var bufferedRequests: UInt64 = 0
        /// Chain up to the end of the buffer.
        var chain: AuditChain
        /// Chain and size of what is in the file.
        var written: AuditChain
        var writtenSize = 0
        /// Lines lost since the last line that could be written.
        var gap: UInt64 = 0
        /// Gap that the buffered lines already declare.
        var declaredGap: UInt64 = 0
        var hasStarted = false
        /// Whether the start record is not in the file yet.
        var lacksStart = false
        /// What the file held at the start.
        var tail = AuditTail()
        var needsReopen = false
        var needsNewline = false
        var isDirty = false
        var lastSync: UInt64 = 0
        var nextOpen: UInt64 = 0
        var isFailing = false
        /// Keeps other processes from the file, from the first opening to the end.
        var lock: AuditLock?
        /// Sequence number of the file's first line, and when that was begun (nanoseconds since the epoch; 0: unknown).
        var segmentFirst: UInt64 = 0
        var segmentBegan: UInt64 = 0
        var nextRotation: UInt64 = 0
    }

    let options: AuditStreamOptions
    let key: AuditKey?
    let registry: MetricRegistry
    let log: DiagnosticLog
    let lines: AuditLineCache
    let state: Mutex<State>
    let archivist: AuditArchivist

    /// Wait between attempts to open a file that could not be opened, nanoseconds.
    static let reopenInterval: UInt64 = 1_000_000_000

    /// - Parameters:
    ///   - registry: takes the drop counts.
    ///   - lines: shared with the file logs of the same flow, so that each request is encoded once.
    public init(options: AuditStreamOptions, registry: MetricRegistry, lines: AuditLineCache = AuditLineCache(), log: DiagnosticLog = .shared) {
        self.options = options
        let key = options.key.flatMap { AuditKey($0) }
        self.key = key
        self.registry = registry
        self.log = log
        self.lines = lines
        self.archivist = AuditArchivist(options: options, registry: registry, log: log)
        self.state = Mutex(State(chain: AuditChain(key: key), written: AuditChain(key: key)))
    }

    /// Opens the file, continues its chain and writes the start record. Without it the first request does so.
    ///
    /// A failure is no reason to give up: the stream tries again every second and counts what it could not write.
    public func open() throws(AuditStreamFailure) {
        let failure = self.state.withLock { state -> AuditStreamFailure? in
            guard state.file == nil else { return nil }
            return self.openFile(&state, now: MonotonicClock.now()).map { AuditStreamFailure(code: $0.name, path: self.options.path) }
        }
        if let failure { throw failure }
    }

    public func consume(_ evidence: RequestEvidence) {
        let line = self.lines.line(for: evidence)
        self.state.withLock { state in
            state.counts.offered += 1
            state.counts.queued += 1
            if state.file == nil || state.needsReopen { self.reopenFile(&state) }
            guard state.file != nil else {
                state.counts.queued -= 1
                self.lose(&state, 1, "not_open")
                return
            }
            let start = state.buffer.count
            state.buffer.put(line)
            self.sealLine(&state, from: start)
            state.bufferedRequests += 1
            if state.buffer.count >= self.options.bufferBytes {
                self.flush(&state, now: MonotonicClock.now())
                self.rotateIfDue(&state)
            }
        }
    }

    public func tick(now: UInt64) {
        self.state.withLock { state in
            if let isNamed = state.file?.isStillNamed(self.options.path), !isNamed {
                state.needsReopen = true
            }
            if state.needsReopen || state.file == nil && state.nextOpen != 0 { self.reopenFile(&state) }
            self.flush(&state, now: now)
            self.synchronize(&state, now: now)
            self.rotateIfDue(&state)
        }
    }

    public func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }

    public func shutdown(deadline: UInt64) {
        self.state.withLock { state in
            self.flush(&state, now: MonotonicClock.now())
            if state.buffer.count > 0 { self.loseBuffer(&state, "shutdown") }
            if state.isDirty, self.options.synchronization != .none { _ = state.file?.synchronize() }
            state.file = nil
            state.hasStarted = false
            state.lock = nil
        }
        self.archivist.settle(deadline: deadline)
    }

    /// Opens the path anew at the next line or tick: after a log rotation has renamed the file. The chain goes on in the new file.
    public func reopen() { self.state.withLock { $0.needsReopen = true } }

    /// Where the written chain stands. From any thread.
    public func head() -> AuditHead {
        self.state.withLock { AuditHead(seq: $0.written.seq, hash: AuditChain.hex($0.written.digest)) }
    }

    /// Seals the line that began at `start`, declaring lines that were lost before it.
    func sealLine(_ state: inout State, from start: Int) {
        if state.gap > state.declaredGap {
            state.buffer.put(",\"gap\":" as StaticString)
            state.buffer.putDecimal(state.gap - state.declaredGap)
            state.declaredGap = state.gap
        }
        state.chain.seal(&state.buffer, from: start)
    }
}
