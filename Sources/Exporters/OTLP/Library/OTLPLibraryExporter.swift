import Synchronization
public import Telemetry

/// Ships spans or log records of libraries by OTLP, through the same runner, spool and counts as those of requests.
///
/// Its stream is made when the first item comes: a process whose libraries report nothing has one consumer less.
public final class OTLPLibraryExporter: LibrarySpanSink, LibraryLogSink, PeriodicExport {
    private struct Batch: ~Copyable {
        var stream: ExportStream?
        var bytes = ByteWriter(capacity: 256)
        var items = 0
        var born: UInt64 = 0
    }

    private let options: OTLPOptions
    private let envelope: OTLPEnvelope
    private let target: ExportTarget
    private let runner: ExportRunner
    private let delay: UInt64
    private let batch = Mutex(Batch())

    private init(_ options: OTLPOptions, _ signal: ExportSignal, _ consumer: StaticString, _ runner: ExportRunner) {
        self.options = options
        self.envelope = OTLPEnvelope(options: options)
        self.target = options.target(signal, consumer: consumer)
        self.runner = runner
        self.delay = UInt64(max(1, options.batchDelayMilliseconds)) &* 1_000_000
    }

    public static func spans(_ options: OTLPOptions, runner: ExportRunner) -> OTLPLibraryExporter { OTLPLibraryExporter(options, .traces, "otlp-library", runner) }
    public static func logs(_ options: OTLPOptions, runner: ExportRunner) -> OTLPLibraryExporter { OTLPLibraryExporter(options, .logs, "otlp-library-logs", runner) }

    /// Takes over what an earlier process left in the spool, where there is something; to be called before the runner starts.
    public func recover(from spool: SpoolOptions) {
        guard SpoolDirectory.entries("\(spool.directory)/\(self.target.spoolName)").contains(where: { $0.hasSuffix(".segment") }) else { return }
        self.batch.withLock { _ = self.stream(&$0) }
    }

    private func stream(_ batch: inout Batch) -> ExportStream {
        if let known = batch.stream { return known }
        let made = self.runner.makeStream(self.target)
        batch.stream = made
        self.runner.add(self)
        return made
    }

    public func take(_ span: LibrarySpan) {
        guard span.context.isSampled else { return }
        self.add { OTLPLibraryEncoder.encode(span, into: &$0) }
    }

    public func take(_ record: LibraryLogRecord) { self.add { OTLPLibraryEncoder.encode(record, now: MonotonicClock.wall(), into: &$0) } }

    private func add(_ encode: (inout ByteWriter) -> Void) {
        self.batch.withLock { batch in
            guard self.stream(&batch).admit(requests: 0, items: 1, pendingBytes: batch.bytes.count) else { return }
            if batch.items == 0 { batch.born = MonotonicClock.now() }
            encode(&batch.bytes)
            batch.items += 1
            if batch.items >= self.options.maximumBatchSpans || batch.bytes.count >= self.options.maximumBatchBytes { self.seal(&batch) }
        }
    }

    /// Hands over what is collected; the runner delivers it.
    public func flush() { self.batch.withLock { self.seal(&$0) } }

    private func seal(_ batch: inout Batch) {
        guard batch.items > 0, let stream = batch.stream else { return }
        stream.submit(self.envelope.wrap(batch.bytes.bytes), items: batch.items, requests: 0, born: batch.born)
        batch.bytes.removeAll()
        batch.items = 0
    }

    public func turn(now: UInt64) -> UInt64 {
        self.batch.withLock { batch in
            let delay = min(self.delay, batch.stream?.longestInMemory ?? .max)
            if batch.items > 0, now >= batch.born &+ delay { self.seal(&batch) }
            return batch.items > 0 ? batch.born &+ delay : now &+ delay
        }
    }
}
