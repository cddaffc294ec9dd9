import Foundation
import Logging
import Synchronization
import Telemetry
import TelemetryBackends
import Testing
import Tracing

private final class Keeper: LibraryLogSink, LibrarySpanSink {
    private let kept = Mutex<[LibraryLogRecord]>([])
    var records: [LibraryLogRecord] { self.kept.withLock { $0 } }
    func take(_ record: LibraryLogRecord) { self.kept.withLock { $0.append(record) } }
    func take(_ span: LibrarySpan) {}
    func flush() {}
}

/// swift-log in the gateway's own log.
@Suite struct LibraryLogTests {
    /// What is written while `body` runs.
    private func lines(_ level: DiagnosticLog.Level = .info, _ body: (Logger, Keeper) -> Void) throws -> (text: String, records: [LibraryLogRecord]) {
        let pipe = Pipe()
        let log = DiagnosticLog(descriptor: pipe.fileHandleForWriting.fileDescriptor)
        log.configure(level: level, format: .text)
        let keeper = Keeper()
        body(Logger(label: "a.library") { LibraryLogHandler(label: $0, log: log, sink: keeper) }, keeper)
        try pipe.fileHandleForWriting.close()
        return (String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self), keeper.records)
    }

    @Test func `a line has its level its logger and its metadata on one line`() throws {
        let (text, records) = try self.lines { logger, _ in
            var logger = logger
            logger[metadataKey: "pool"] = "main"
            logger.warning("slow\nquery", metadata: ["seconds": "3"])
        }
        #expect(text.contains("[warning] slow\\nquery logger=a.library pool=main seconds=3\n"))
        #expect(text.split(separator: "\n").count == 1)
        #expect(records.count == 1 && records[0].severityNumber == 13 && records[0].body == "slow\nquery")
        #expect(records[0].attributes.map(\.key) == ["logger.name", "pool", "seconds"])
        #expect(records[0].context == nil)
    }

    @Test func `what is below the level of the log goes nowhere`() throws {
        let (text, records) = try self.lines(.warning) { logger, _ in
            var logger = logger
            logger.logLevel = .trace
            logger.info("chatter")
        }
        #expect(text.isEmpty && records.isEmpty)
    }

    @Test func `a line in a span names its trace`() throws {
        let trace = Mutex<TraceContext?>(nil)
        let (text, records) = try self.lines { logger, keeper in
            LibraryTracer(sink: keeper).withSpan("work") { span in
                trace.withLock { $0 = span.context.traceContext }
                logger.error("failed")
            }
        }
        let context = try #require(trace.withLock { $0 })
        #expect(records[0].context == context)
        #expect(text.contains("trace_id=\(context.traceparent.dropFirst(3).prefix(32)) "))
    }
}
