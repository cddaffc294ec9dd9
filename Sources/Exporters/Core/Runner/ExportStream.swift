internal import SideClient
import Synchronization
internal import Telemetry

/// The way of one signal to one receiver: a bounded queue in memory, a spool on disk behind it, one export at a time, in order.
///
///     submit ─► queue ──────────────(oldest first, one group)──────► SideClient ─► receiver
///                 │ older than the flush time, or memory half full ▲        │ retry after back-off
///                 └──────────► spool (survives the process) ───────┘◄───────┘
///
/// Delivery is at least once: what was sent when an answer got lost is sent again, and counted as a possible duplicate. Producers call
/// ``admit(requests:items:pendingBytes:)`` and ``submit(_:items:requests:born:)`` from any thread and never wait; everything else
/// happens on the thread of the ``ExportRunner``.
public final class ExportStream: @unchecked Sendable {
    // Unchecked: what is not in `shared` belongs to the runner's thread.

    enum Phase: Equatable {
        case open
        /// Delivers what there is and closes: when nothing is left, or at the deadline (``MonotonicClock``).
        case ending(deadline: UInt64)
        case closed
    }

    struct Shared {
        var counts = DeliveryCounts()
        /// Batches that the runner has not taken yet.
        var submitted: [ExportBatch] = []
        var answer: Result<SideResponse, SideFailure>?
        /// What waits in memory: batches that are being filled, submitted or queued and not on disk.
        var memoryItems = 0
        var memoryBytes = 0
        var diskItems = 0
        var diskBytes = 0
        var isDegraded = false
        var phase = Phase.open
    }

    /// One export: the first `count` batches of the queue.
    struct Flight {
        let count: Int
        let items: Int
        let start: UInt64
        /// Whether it began after the end was announced.
        let isLast: Bool
        var transfer: SideTransfer?
    }

    public let target: ExportTarget
    /// Its own name among the streams of this process.
    let spoolName: String
    let shared = Mutex(Shared())
    let metrics: ExportMetrics
    let client: SideClient
    let log: DiagnosticLog
    let wake: @Sendable () -> Void
    private let closed = ThreadSignal()

    // MARK: The runner's thread only

    /// Oldest first; the ones in flight included. On disk are the first so many of them.
    var queue: [ExportBatch] = []
    var flight: Flight?
    var retry: RetryState
    /// Nothing is sent before this time (back-off of the oldest batch).
    var notBefore: UInt64 = 0
    var spool: Spool?
    private(set) var spoolOptions: SpoolOptions?
    private(set) var spoolBudget = SpoolBudget(maximumBytes: 0)
    var nextSpoolAttempt: UInt64 = 0
    /// Directories of the same destination that wait to be taken over.
    var inheritances: [String] = []
    /// Whether the log says that exports fail.
    var isFailing = false
    var hasStarted = false
    var hasHurried = false
    /// Whether an export that began after the end was announced has failed.
    var hasFailedAtEnd = false

    /// - Parameter numbers: of the part that sends and of the part that batches, in `otel.component.name`.
    init(
        target: ExportTarget, spoolName: String, numbers: (exporter: Int, processor: Int), client: SideClient, registry: MetricRegistry, log: DiagnosticLog,
        wake: @escaping @Sendable () -> Void
    ) {
        self.target = target
        self.spoolName = spoolName
        self.client = client
        self.log = log
        self.wake = wake
        self.metrics = ExportMetrics(registry: registry, target: target, numbers: numbers)
        self.retry = RetryState(options: target.retry)
    }

    /// Gives the stream a disk, before its first turn. With a disk only its age ends a batch, not the number of attempts.
    func use(_ spool: SpoolOptions, budget: SpoolBudget) {
        self.spoolOptions = spool
        self.spoolBudget = budget
        var options = self.target.retry
        options.maximumElapsedMilliseconds = RetryOptions.forever
        self.retry = RetryState(options: options)
    }

    // MARK: Producers

    /// Time an item may be in memory only, nanoseconds; without a disk there is no limit. Fixed before the first item comes.
    var longestInMemory: UInt64 { self.spoolOptions.map { UInt64($0.flushSeconds * 1e9) } ?? .max }

    /// Whether `items` more fit into memory; counts them as queued or as dropped.
    ///
    /// - Parameter pendingBytes: bytes of the batch that is being filled.
    func admit(requests: Int, items: Int, pendingBytes: Int) -> Bool {
        let fits = self.shared.withLock { shared in
            shared.counts.offered += UInt64(requests)
            let fits =
                shared.phase == .open && shared.memoryItems + items <= self.target.maximumQueuedItems && shared.memoryBytes + pendingBytes < self.target.maximumQueuedBytes
            if fits {
                shared.counts.queued += UInt64(requests)
                shared.memoryItems += items
            } else {
                shared.counts.dropped += UInt64(requests)
            }
            return fits
        }
        if !fits { self.metrics.dropped(items: items, requests: requests, reason: "queue_full") }
        return fits
    }

    func sampledOut(requests: Int) {
        self.shared.withLock {
            $0.counts.offered += UInt64(requests)
            $0.counts.sampledOut += UInt64(requests)
        }
    }

    /// Hands over a batch whose items were admitted.
    func submit(_ body: [UInt8], items: Int, requests: Int, born: UInt64) {
        let age = MonotonicClock.now() &- born
        let batch = ExportBatch(items: items, requests: requests, born: born, bornWall: MonotonicClock.wall() &- age, body: body)
        self.shared.withLock {
            $0.submitted.append(batch)
            $0.memoryBytes += body.count
        }
        self.wake()
    }

    /// Where its requests stand. From any thread.
    func counts() -> DeliveryCounts { self.shared.withLock { $0.counts } }

    /// Delivers what is left until `deadline`, spools the rest for the next process, or counts it as dropped. Blocks the caller.
    func finish(deadline: UInt64) {
        self.end(deadline: deadline)
        // The runner needs a moment after the deadline to write what is left.
        let limit = max(deadline, MonotonicClock.now()) &+ 2_000_000_000
        while self.shared.withLock({ $0.phase != .closed }), MonotonicClock.now() < limit { self.closed.wait(nanoseconds: 50_000_000) }
    }

    /// Accepts nothing more and closes when everything was delivered.
    func end(deadline: UInt64) {
        self.shared.withLock { shared in
            switch shared.phase {
            case .open: shared.phase = .ending(deadline: deadline)
            case .ending(let earlier): shared.phase = .ending(deadline: min(earlier, deadline))
            case .closed: break
            }
        }
        self.wake()
    }

    var isClosed: Bool { self.shared.withLock { $0.phase == .closed } }

    func markClosed() {
        self.shared.withLock { $0.phase = .closed }
        self.closed.notify()
    }
}
