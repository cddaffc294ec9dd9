public import Telemetry

/// Kong's `http-log`: audit lines (without the chain) to an HTTP server, in batches for an ``ExportStream``, which delivers them.
///
/// `consume` and `tick` run on the drain thread.
public final class HTTPLogSink: LogLineSink, @unchecked Sendable {
    // Unchecked: everything mutable belongs to the drain thread.

    public let name: StaticString = "http-log"
    private let options: HTTPSinkOptions
    private let stream: ExportStream
    private let lines: AuditLineCache
    private var batch: JSONBatch

    /// - Parameter lines: shared with the audit stream of the same flow, so that each request is encoded once.
    public init(options: HTTPSinkOptions, runner: ExportRunner, lines: AuditLineCache) {
        self.options = options
        self.stream = runner.makeStream(options.target(consumer: "http-log", signal: .logs, transport: "log_http"))
        self.lines = lines
        self.batch = JSONBatch(isList: options.batchRequests > 1)
    }

    public func consume(_ evidence: RequestEvidence) { self.take(self.lines.line(for: evidence), of: evidence) }

    public func take(_ line: UnsafeRawBufferPointer, of evidence: RequestEvidence) {
        guard self.stream.admit(requests: 1, items: 1, pendingBytes: self.batch.bytes.count) else { return }
        self.batch.add(items: 1, now: MonotonicClock.now()) { out in
            out.put(line)
            out.put(0x7d)
        }
        if self.batch.requests >= self.options.batchRequests { self.seal() }
    }

    public func tick(now: UInt64) {
        guard self.batch.requests > 0 else { return }
        let delay = min(UInt64(self.options.batchDelayMilliseconds) &* 1_000_000, self.stream.longestInMemory)
        if now >= self.batch.began &+ delay { self.seal() }
    }

    private func seal() {
        let (body, items, requests, began) = self.batch.take()
        self.stream.submit(body, items: items, requests: requests, born: began)
    }

    public func counts() -> DeliveryCounts { self.stream.counts() }

    public func prepareShutdown(deadline: UInt64) {
        if self.batch.requests > 0 { self.seal() }
        self.stream.end(deadline: deadline)
    }

    public func shutdown(deadline: UInt64) {
        if self.batch.requests > 0 { self.seal() }
        self.stream.finish(deadline: deadline)
    }
}
