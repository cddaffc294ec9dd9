/// A task that serves one HTTP/2 stream after another. A task of its own for each would be allocated, with the room that its frames take, and given back with every request;
/// a connection of HTTP/1.1 has one task for all of its requests too.
final class StreamTask: @unchecked Sendable {
    // Unchecked: confined to its loop, on whose executor the task runs.
    private let loop: DataLoop
    private var task: Task<Void, Never>?
    private var next: (stream: HTTP2ServerStream, exchange: HTTP2ServerExchange)?
    private var idle = LoopWaiter()
    private var isCancelled = false

    init(loop: DataLoop) { self.loop = loop }

    /// Begins to serve an exchange, once the loop's executor drains. The task must be idle, or new.
    func serve(_ stream: HTTP2ServerStream, _ exchange: HTTP2ServerExchange) {
        self.next = (stream, exchange)
        if self.task == nil { self.task = Task(executorPreference: self.loop.executor) { await self.run() } } else { self.idle.wake() }
    }

    /// Cancels what is being served; nothing is served after it, since what is cancelled stays so.
    func cancel() {
        self.isCancelled = true
        self.task?.cancel()
    }

    /// Lets an idle task end.
    func end() { self.idle.wake() }

    private func run() async {
        while self.next != nil {
            await self.serveNext()
            guard !self.isCancelled, self.loop.keep(self) else { return }
            await withUnsafeContinuation { self.idle.keep($0) }
        }
    }

    // Not inlined: an idle task would keep the last stream.
    @inline(never)
    private func serveNext() async {
        guard let (stream, exchange) = self.next.take() else { return }
        await stream.serve(exchange)
    }
}
