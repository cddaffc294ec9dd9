import NIOCore

/// Runs a loop's tasks on the loop itself, so that a resumed continuation costs no thread hop and, inside a channel callback, no queue.
///
/// A callback of our handlers begins with ``hold()`` and ends with ``drain()``: what it resumed runs before it returns to the loop, and needs no task of the loop.
final class LoopExecutor: TaskExecutor, @unchecked Sendable {
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

    /// Says that ``drain()`` follows before control returns to the loop. On the loop only.
    @inline(__always)
    func hold() { self.isHeld = true }

    /// Runs everything that is ready, in order. On the loop only; nested calls return at once.
    func drain() {
        self.isHeld = false
        guard !self.isDraining else { return }
        self.isDraining = true
        let executor = self.asUnownedTaskExecutor()
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
