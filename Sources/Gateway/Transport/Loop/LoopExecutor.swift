import NIOCore

/// Runs a loop's tasks on the loop itself, so that a resumed continuation costs no thread hop and, inside a channel callback, no queue.
///
/// Callbacks of our handlers end with ``drain()``: what they resumed runs before they return to the loop.
final class LoopExecutor: TaskExecutor, @unchecked Sendable {
    // Unchecked: everything mutable is touched on `loop` only.
    let loop: any EventLoop
    private var ready: [UnownedJob] = []
    private var next = 0
    private var isDraining = false
    private var isScheduled = false

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
        guard !self.isDraining, !self.isScheduled else { return }
        self.isScheduled = true
        self.loop.execute { self.drain() }
    }

    /// Runs everything that is ready, in order. On the loop only; nested calls return at once.
    func drain() {
        guard !self.isDraining else { return }
        self.isScheduled = false
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
