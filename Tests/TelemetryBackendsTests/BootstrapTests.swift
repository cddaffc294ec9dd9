import Exporters
import Logging
import Metrics
import Synchronization
import Telemetry
import TelemetryBackends
import Testing
import Tracing

private final class Keeper: LibrarySpanSink, LibraryLogSink {
    private let kept = Mutex<(spans: [LibrarySpan], records: [LibraryLogRecord])>(([], []))
    var spans: [LibrarySpan] { self.kept.withLock { $0.spans } }
    var records: [LibraryLogRecord] { self.kept.withLock { $0.records } }
    func take(_ span: LibrarySpan) { self.kept.withLock { $0.spans.append(span) } }
    func take(_ record: LibraryLogRecord) { self.kept.withLock { $0.records.append(record) } }
    func flush() {}
}

/// What docs/libraries.md shows. The APIs are installed once in a process: the only test that does.
@Suite struct BootstrapTests {
    @Test func `a library that knows only the APIs reports to the gateway's exporters`() throws {
        let registry = MetricRegistry()
        let keeper = Keeper()
        let log = DiagnosticLog(descriptor: -1)
        TelemetryBackends.bootstrap(registry: registry, log: log, spans: keeper, logs: keeper)

        withSpan("import", ofKind: .internal) { span in
            span.attributes["rows"] = 1_000
            Counter(label: "rows.imported", dimensions: [("table", "orders")]).increment(by: 1_000)
            Timer(label: "import.time").recordMilliseconds(5)
            Logger(label: "import").info("done")
        }

        let span = try #require(keeper.spans.first)
        #expect(keeper.spans.count == 1 && span.name == "import")
        #expect(keeper.records.map(\.body) == ["done"])
        #expect(keeper.records[0].context == span.context)
        let page = String(decoding: PrometheusRenderer.render(families: registry.snapshot(), format: .text), as: UTF8.self)
        #expect(page.contains("rows_imported_total{table=\"orders\"} 1000\n"))
        #expect(page.contains("import_time_seconds_count 1\n"))
    }
}
