import NIOCore

/// Runs a loop's tasks on the loop itself, so that a resumed continuation costs no thread hop and, inside a channel callback, no queue.
///
/// A callback of our handlers begins with ``hold()`` and ends with ``drain()``: what it resumed runs before it returns to the loop, and needs no task of the loop.
final class LoopExecutor: SerialExecutor, @unchecked Sendable {
    // Unchecked: everything mutable is touched on `loop` only.
    let loop: any EventLoop
    private var ready: [UnownedJob] = []
    private var next = 0
    private var isDraining = false
    private var isScheduled = false
    /// Whether a callback is under way that will drain.
    private var isHeld = false

    init(loop: any EventLoop) {
        self.loop = loop
        self.ready.reserveCapacity(64)
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        guard self.loop.inEventLoop else {
            self.loop.execute {
                self.ready.append(job)
                self.drain()
            }
            return
        }
        self.ready.append(job)
        guard !self.isDraining, !self.isHeld, !self.isScheduled else { return }
        self.isScheduled = true
        self.loop.execute {
            self.isScheduled = false
            self.drain()
        }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    func checkIsolated() { self.loop.preconditionInEventLoop() }

    /// Says that ``drain()`` follows before control returns to the loop. On the loop only.
    @inline(__always)
    func hold() { self.isHeld = true }

    /// Runs everything that is ready, in order. On the loop only; nested calls return at once.
    func drain() {
        self.isHeld = false
        guard !self.isDraining else { return }
        self.isDraining = true
        let executor = self.asUnownedSerialExecutor()
        while self.next < self.ready.count {
            let job = self.ready[self.next]
            self.next += 1
            job.runSynchronously(on: executor)
        }
        self.ready.removeAll(keepingCapacity: true)
        self.next = 0
        self.isDraining = false
    }
}

/// An event loop as the isolation of all asynchronous work of its connections: functions inherit it from their caller, and resume on the loop.
///
/// An isolation rather than a task executor: the runtime asks for a task's preferred executor, under a lock, at every return of an asynchronous call.
actor LoopActor {
    nonisolated let executor: LoopExecutor

    init(loop: any EventLoop) { self.executor = LoopExecutor(loop: loop) }

    nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }

    /// Starts a task on the loop. On the loop only.
    @discardableResult
    nonisolated func start(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        self.assumeIsolated { $0.begin(work) }
    }

    private func begin(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task {
            // Captured, so that the task is isolated to this actor and begins on its executor.
            _ = self
            await work()
        }
    }
}
