public import Telemetry

/// Ships the audit line of every finished request as an OTLP log record with its trace context, in batches for an ``ExportStream``.
///
/// `consume` and `tick` run on the drain thread.
public final class OTLPLogExporter: EvidenceConsumer, @unchecked Sendable {
    // Unchecked: everything mutable belongs to the drain thread.

    public let name: StaticString = "otlp-logs"
    private let options: OTLPOptions
    private let stream: ExportStream
    private let envelope: OTLPEnvelope
    private let lines: AuditLineCache
    private let encoder = OTLPLogEncoder()
    private var batch = ByteWriter(capacity: 1 << 16)
    private var records = 0
    private var requests = 0
    private let head: @Sendable () -> AuditHead?
    private var publishedSeq: UInt64 = 0
    private var nextHead: UInt64 = 0
    private var batchStart: UInt64 = 0

    /// Time between records of the audit chain's head, nanoseconds.
    private static let headInterval: UInt64 = 60_000_000_000

    /// - Parameters:
    ///   - lines: shared with the audit stream of the same flow, so that each request is encoded once.
    ///   - head: where the audit chain stands; published every minute while it moves, so that a file whose end is cut off can be told from a whole one.
    public init(options: OTLPOptions, runner: ExportRunner, lines: AuditLineCache, head: @escaping @Sendable () -> AuditHead? = { nil }) {
        self.head = head
        self.options = options
        self.envelope = OTLPEnvelope(options: options)
        self.stream = runner.makeStream(options.target(.logs, consumer: "otlp-logs"))
        self.lines = lines
    }

    public func consume(_ evidence: RequestEvidence) {
        guard self.stream.admit(requests: 1, items: 1, pendingBytes: self.batch.count) else { return }
        if self.records == 0 { self.batchStart = MonotonicClock.now() }
        self.encoder.encode(evidence, line: self.lines.line(for: evidence), now: MonotonicClock.wall(), into: &self.batch)
        self.records += 1
        self.requests += 1
        if self.records >= self.options.maximumBatchSpans || self.batch.count >= self.options.maximumBatchBytes { self.seal() }
    }

    public func tick(now: UInt64) {
        if now >= self.nextHead {
            self.nextHead = now &+ OTLPLogExporter.headInterval
            self.publishHead()
        }
        guard self.records > 0 else { return }
        let delay = min(UInt64(self.options.batchDelayMilliseconds) &* 1_000_000, self.stream.longestInMemory)
        if now >= self.batchStart &+ delay { self.seal() }
    }

    private func seal() {
        self.stream.submit(self.envelope.wrap(self.batch.bytes), items: self.records, requests: self.requests, born: self.batchStart)
        self.batch.removeAll()
        self.records = 0
        self.requests = 0
    }

    private func publishHead() {
        guard let head = self.head(), head.seq > self.publishedSeq, self.stream.admit(requests: 0, items: 1, pendingBytes: self.batch.count) else { return }
        self.publishedSeq = head.seq
        if self.records == 0 { self.batchStart = MonotonicClock.now() }
        self.encoder.encode(head, now: MonotonicClock.wall(), into: &self.batch)
        self.records += 1
    }

    public func counts() -> DeliveryCounts { self.stream.counts() }

    public func prepareShutdown(deadline: UInt64) {
        self.publishHead()
        if self.records > 0 { self.seal() }
        self.stream.end(deadline: deadline)
    }

    public func shutdown(deadline: UInt64) {
        if self.records > 0 { self.seal() }
        self.stream.finish(deadline: deadline)
    }
}
