public import Logging
public import Telemetry
import Tracing

/// swift-log in the gateway's diagnostic log, and in OTLP log records where there is a sink for them.
///
/// A library says what it likes, so its lines are told apart: each carries `logger`, the label of its logger. The level of the diagnostic log is the least that is written;
/// a logger's own level may ask for less.
public struct LibraryLogHandler: LogHandler {
    private let label: String
    private let log: DiagnosticLog
    private let sink: (any LibraryLogSink)?
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    public var logLevel: Logger.Level

    /// - Parameters:
    ///   - log: takes lines of its level and above.
    ///   - sink: gets what the diagnostic log gets.
    public init(label: String, log: DiagnosticLog = .shared, sink: (any LibraryLogSink)? = nil, metadataProvider: Logger.MetadataProvider? = nil) {
        self.label = label
        self.log = log
        self.sink = sink
        self.metadataProvider = metadataProvider
        self.logLevel = LibraryLogHandler.level(log.level)
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let level = LibraryLogHandler.level(event.level)
        guard level >= self.log.level else { return }
        var all = self.metadata
        if let provided = self.metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error { all["error.type"] = "\(type(of: error))" }
        let context = InstrumentationContext.current?.traceContext
        let sorted = all.sorted { $0.key < $1.key }
        var fields = [("logger", self.label)] + sorted.map { ($0.key, "\($0.value)") }
        if let context { fields += [("trace_id", context.traceID), ("span_id", context.span)] }
        self.log.log(level, event.message.description, fields)
        self.sink?.take(
            LibraryLogRecord(
                time: MonotonicClock.wall(), severityNumber: LibraryLogHandler.severity(event.level), severityText: event.level.rawValue.uppercased(),
                body: event.message.description, attributes: [LibraryAttribute("logger.name", .string(self.label))] + sorted.map { LibraryAttribute($0.key, Self.value($0.value)) },
                context: context))
    }

    private static func value(_ value: Logger.MetadataValue) -> LibraryValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value): .string("\(value)")
        case .array(let values): .array(values.map(self.value))
        case .dictionary: .string("\(value)")
        }
    }

    private static func level(_ level: Logger.Level) -> DiagnosticLog.Level {
        switch level {
        case .trace, .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error, .critical: .error
        }
    }

    private static func level(_ level: DiagnosticLog.Level) -> Logger.Level {
        switch level {
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }

    /// https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/#appendix-b-severitynumber-example-mappings
    private static func severity(_ level: Logger.Level) -> UInt8 {
        switch level {
        case .trace: 1
        case .debug: 5
        case .info: 9
        case .notice: 10
        case .warning: 13
        case .error: 17
        case .critical: 21
        }
    }
}
