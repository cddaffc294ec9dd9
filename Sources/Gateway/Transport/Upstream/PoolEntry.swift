import GatewayCore
import NIOCore

/// The connections of one endpoint on one loop.
final class PoolEntry: @unchecked Sendable {
    // Unchecked: confined to its loop.
    var idle: [HTTP1UpstreamConnection] = []
    /// Idle and busy ones; the entry stays while there is one.
    var open = 0
    /// Those being made.
    var connecting = 0
    /// Requests that wait for one, the longest first.
    fileprivate var waits: [PoolWait] = []

    var isUnused: Bool { self.open == 0 && self.connecting == 0 && self.waits.isEmpty }

    /// Lets the request that waits longest look again.
    @inline(__always)
    func wakeNext() {
        if !self.waits.isEmpty { self.wakeFirst() }
    }

    private func wakeFirst() { self.waits.removeFirst().wake() }
}

/// A request that waits until a connection is free, for no longer than it may take to connect.
final class PoolWait: TimeoutTarget, @unchecked Sendable {
    // Unchecked: confined to its loop.
    private let loop: any EventLoop
    private let executor: LoopExecutor
    private let timer: LoopTimer
    private var waiter = LoopWaiter()
    private var failure: UpstreamFailure?
    private weak var entry: PoolEntry?

    var deadline = UInt64.max
    var timerSlot = -1

    init(loop: any EventLoop, executor: LoopExecutor, timer: LoopTimer) {
        self.loop = loop
        self.executor = executor
        self.timer = timer
    }

    /// Returns when it is this request's turn to look; the time counts from the first wait.
    func turn(in entry: PoolEntry, timeout: UInt64) async throws(UpstreamFailure) {
        if self.deadline == .max { self.deadline = self.timer.deadline(after: timeout) }
        self.entry = entry
        entry.waits.append(self)
        self.timer.add(self)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { self.waiter.keep($0) }
        } onCancel: {
            self.loop.execute {
                self.executor.hold()
                self.give(up: .cancelled)
                self.executor.drain()
            }
        }
        self.timer.remove(self)
        if let failure { throw failure }
    }

    func wake() { self.waiter.wake() }

    func deadlinePassed() { self.give(up: .connectionLimit) }

    private func give(up failure: UpstreamFailure) {
        guard self.waiter.isWaiting else { return }
        self.failure = failure
        self.entry?.waits.removeAll { $0 === self }
        self.waiter.wake()
    }
}
