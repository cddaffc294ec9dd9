import Dispatch
import Glibc

/// The signals that operators send, as a stream.
struct SignalStream {
    /// `reopen` opens log files anew and leaves the configuration alone.
    enum Event: Sendable { case reload, reopen, stop }

    let events: AsyncStream<Event>

    init() {
        signal(SIGPIPE, SIG_IGN)
        let queue = DispatchQueue(label: "signals")
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        self.events = events
        // Dispatch's own objects may be used from any thread, which their types do not say.
        nonisolated(unsafe) let sources: [any DispatchSourceSignal] = [(SIGHUP, Event.reload), (SIGUSR1, .reopen), (SIGTERM, .stop), (SIGINT, .stop), (SIGQUIT, .stop)].map { number, event in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { continuation.yield(event) }
            source.resume()
            return source
        }
        // The stream keeps them: whoever waits for its events may have let go of everything else.
        continuation.onTermination = { _ in for source in sources { source.cancel() } }
    }
}
