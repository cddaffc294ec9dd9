#if canImport(Glibc)
    import Glibc
#endif
import Synchronization
public import Telemetry

/// Kong's `file-log`: the audit line without a chain, appended to a file, pipe or terminal.
///
/// One per path, see ``FileLogSinks``. Lines are written when the buffer is full or at the next tick (at most 100 ms later).
/// A reader that is slow does not hold anything up: lines wait up to a bound and are then dropped and counted.
public final class FileLogSink: LogLineSink, Sendable {
    public let name: StaticString = "file-log"
    /// Where the lines go, as configured.
    public let path: String

    private struct State: ~Copyable {
        var counts = DeliveryCounts()
        var file: AppendFile?
        var buffer = ByteWriter(capacity: 1 << 16)
        var needsReopen = false
        var checksName: Bool
        /// Whether what was written ends inside a line whose rest is in the buffer.
        var isInsideLine = false
        /// Whether the rest of that line is lost, so that a newline must come first.
        var needsNewline = false
        var nextOpen: UInt64 = 0
        var isFailing = false
        var isClosed = false
    }

    private let registry: MetricRegistry
    private let log: DiagnosticLog
    private let lines: AuditLineCache
    private let state: Mutex<State>

    private static let flushBytes = 65_536
    /// Most bytes that wait for a slow reader.
    private static let maximumBytes = 8 << 20
    private static let reopenInterval: UInt64 = 1_000_000_000

    init(path: String, reopen: Bool, registry: MetricRegistry, lines: AuditLineCache, log: DiagnosticLog) {
        self.path = path
        self.registry = registry
        self.lines = lines
        self.log = log
        self.state = Mutex(State(checksName: reopen))
    }

    public func consume(_ evidence: RequestEvidence) { self.take(self.lines.line(for: evidence), of: evidence) }

    public func take(_ line: UnsafeRawBufferPointer, of evidence: RequestEvidence) {
        self.state.withLock { state in
            state.counts.offered += 1
            guard !state.isClosed, state.buffer.count + line.count + 2 <= FileLogSink.maximumBytes else {
                self.drop(&state, 1, state.isClosed ? "shutdown" : "queue_full")
                return
            }
            state.buffer.put(line)
            state.buffer.put("}\n" as StaticString)
            state.counts.queued += 1
            if state.buffer.count >= FileLogSink.flushBytes { self.flush(&state, now: MonotonicClock.now()) }
        }
    }

    public func tick(now: UInt64) { self.state.withLock { self.flush(&$0, now: now) } }

    public func counts() -> DeliveryCounts { self.state.withLock { $0.counts } }

    public func shutdown(deadline: UInt64) {
        self.state.withLock { state in
            state.nextOpen = 0
            self.flush(&state, now: MonotonicClock.now())
            self.drop(&state, state.counts.queued, "shutdown", areQueued: true)
            state.buffer.removeAll()
            state.file = nil
            state.isClosed = true
        }
    }

    /// Opens the path anew at the next write: after a log rotation.
    public func reopen() { self.state.withLock { $0.needsReopen = true } }

    /// Whether ``shutdown(deadline:)`` has been called; what comes later is dropped and counted.
    public var isClosed: Bool { self.state.withLock { $0.isClosed } }

    /// Kong's `reopen`: from now on a file that was renamed or removed is noticed before every write.
    func checkNameOnWrite() { self.state.withLock { $0.checksName = true } }

    private func flush(_ state: inout State, now: UInt64) {
        guard state.buffer.count > 0 else { return }
        if state.checksName, let isNamed = state.file?.isStillNamed(self.path), !isNamed { state.needsReopen = true }
        if state.needsReopen, !state.isInsideLine {
            state.needsReopen = false
            state.file = nil
            state.nextOpen = 0
        }
        if state.file == nil {
            guard now >= state.nextOpen else { return self.loseAll(&state, "not_open") }
            switch AppendFile.open(self.path) {
            case .success(let file): state.file = consume file
            case .failure(let error):
                state.nextOpen = now &+ FileLogSink.reopenInterval
                return self.loseAll(&state, error.name)
            }
        }
        if state.needsNewline, let isEnded = state.file?.writeNewline(), isEnded { state.needsNewline = false }
        guard let written = state.file?.write(state.buffer.bytes) else { return }
        self.count(&state, written.count)
        if written.errno == 0 {
            if state.isFailing {
                state.isFailing = false
                self.log.notice("the file log is written again", ("path", self.path))
            }
        } else if AppendFileError.name(written.errno).description != "reader_slow" {
            self.loseAll(&state, AppendFileError.name(written.errno))
            state.file = nil
            state.nextOpen = now &+ FileLogSink.reopenInterval
        }
    }

    /// Takes what was written out of the buffer. Each line ends in a newline and contains no other, so newlines are requests.
    private func count(_ state: inout State, _ length: Int) {
        let written = UnsafeRawBufferPointer(rebasing: state.buffer.bytes[0..<length])
        var lines: UInt64 = 0
        if var rest = written.baseAddress {
            let end = rest + length
            // Lines are some 2 KB long: one call a line instead of one step a byte.
            while let newline = memchr(rest, 0x0a, end - rest) {
                lines += 1
                rest = UnsafeRawPointer(newline) + 1
            }
        }
        if let last = written.last { state.isInsideLine = last != 0x0a }
        state.counts.queued -= lines
        state.counts.delivered += lines
        if length == state.buffer.count { state.buffer.removeAll() } else { state.buffer.removeFirst(length) }
        state.buffer.shrink(to: 1 << 20)
    }

    private func loseAll(_ state: inout State, _ reason: StaticString) {
        self.drop(&state, state.counts.queued, reason, areQueued: true)
        state.buffer.removeAll()
        if state.isInsideLine {
            state.isInsideLine = false
            state.needsNewline = true
        }
        guard !state.isFailing else { return }
        state.isFailing = true
        self.log.error("the file log cannot be written; lines are dropped and counted", ("path", self.path), ("reason", "\(reason)"))
    }

    private func drop(_ state: inout State, _ requests: UInt64, _ reason: StaticString, areQueued: Bool = false) {
        if areQueued { state.counts.queued -= requests }
        state.counts.dropped += requests
        if requests > 0 { self.registry.add(Instruments.telemetryDropped, ["\(self.name)", "\(reason)"], by: Int64(requests)) }
    }
}
