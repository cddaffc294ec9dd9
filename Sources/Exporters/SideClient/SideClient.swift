internal import CCurl
import Synchronization
internal import Telemetry

/// HTTP for everything off the hot path (trace export, guard and embedding services, token fetches): libcurl on one thread of its own.
///
/// Connections are kept alive and reused. Transfers and waiting requests are bounded. Event loops never wait for it: a request is
/// handed over under a short lock and its result comes by callback or continuation.
public final class SideClient: Sendable {
    public typealias Completion = @Sendable (Result<SideResponse, SideFailure>) -> Void

    struct Job {
        let number: UInt64
        let request: SideRequest
        let completion: Completion
    }

    /// libcurl's multi handle, which other threads only wake.
    struct MultiHandle: @unchecked Sendable {
        // Unchecked: curl_multi_wakeup is the one call that may come from any thread.
        let pointer: OpaquePointer
    }

    struct State: ~Copyable {
        var waiting: [Job] = []
        var cancelled: [UInt64] = []
        var nextNumber: UInt64 = 1
        var isStarted = false
        var isStopping = false
        var hasStopped = false
        /// When a stopping client gives up what still runs (``MonotonicClock``).
        var deadline = UInt64.max
        /// Owned by the thread; others only wake it, under this lock, and only until it is cleared.
        var multi: MultiHandle?
    }

    let state = Mutex(State())
    let options: SideClientOptions
    private let stopped = ThreadSignal()
    private static let global: Void = pellucid_curl_start()

    public init(options: SideClientOptions = SideClientOptions()) {
        self.options = options
        _ = SideClient.global
    }

    /// Sends a request and waits for its result. Cancelling the task cancels the request.
    public func send(_ request: SideRequest) async -> Result<SideResponse, SideFailure> {
        let cancellation = Mutex<(transfer: SideTransfer?, isCancelled: Bool)>((nil, false))
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let transfer = self.start(request) { continuation.resume(returning: $0) }
                let isCancelled = cancellation.withLock {
                    $0.transfer = transfer
                    return $0.isCancelled
                }
                if isCancelled { self.cancel(transfer) }
            }
        } onCancel: {
            let transfer = cancellation.withLock {
                $0.isCancelled = true
                return $0.transfer
            }
            if let transfer { self.cancel(transfer) }
        }
    }

    /// Sends a request; `completion` is called exactly once, on the client's thread (or before this returns, when the request is refused).
    /// It must be short and must not block.
    @discardableResult
    public func start(_ request: SideRequest, completion: @escaping Completion) -> SideTransfer {
        enum Refusal { case queueFull, shutDown, noThread }
        let (number, refusal) = self.state.withLock { state -> (UInt64, Refusal?) in
            let number = state.nextNumber
            state.nextNumber += 1
            if state.isStopping { return (number, .shutDown) }
            if !state.isStarted {
                guard self.startThread() else { return (number, .noThread) }
                state.isStarted = true
            }
            // The thread takes waiting requests as transfers become free, so what is here is waiting or about to start.
            guard state.waiting.count < self.options.maximumWaiting + self.options.maximumTransfers else { return (number, .queueFull) }
            state.waiting.append(Job(number: number, request: request, completion: completion))
            if let multi = state.multi { pellucid_multi_wakeup(multi.pointer) }
            return (number, nil)
        }
        switch refusal {
        case .queueFull: completion(.failure(SideFailure(.queueFull)))
        case .shutDown: completion(.failure(SideFailure(.shutDown)))
        case .noThread: completion(.failure(SideFailure(.other)))
        case nil: break
        }
        return SideTransfer(number: number)
    }

    /// Ends a request with ``SideFailure/Code/cancelled``; nothing happens when it has ended already.
    public func cancel(_ transfer: SideTransfer) {
        self.state.withLock { state in
            guard state.isStarted, !state.hasStopped else { return }
            state.cancelled.append(transfer.number)
            if let multi = state.multi { pellucid_multi_wakeup(multi.pointer) }
        }
    }

    /// Refuses new requests, lets the running ones end until `deadline` (``MonotonicClock``), fails the rest with
    /// ``SideFailure/Code/shutDown`` and ends the thread. Blocks the caller no longer than that (and a second of grace).
    public func shutdown(deadline: UInt64) {
        let isRunning = self.state.withLock { state in
            state.isStopping = true
            state.deadline = deadline
            if let multi = state.multi { pellucid_multi_wakeup(multi.pointer) }
            return state.isStarted
        }
        let limit = max(deadline, MonotonicClock.now()) &+ 1_000_000_000
        while isRunning, !self.state.withLock({ $0.hasStopped }), MonotonicClock.now() < limit { self.stopped.wait(nanoseconds: 50_000_000) }
    }

    private func startThread() -> Bool { WorkerThread.start("side-client") { SideClientLoop(client: self).run() } == 0 }

    /// Called last by the thread.
    func threadEnded() {
        self.state.withLock { $0.hasStopped = true }
        self.stopped.notify()
    }
}
