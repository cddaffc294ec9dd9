import Synchronization
public import Telemetry

/// The file logs of a process: one sink per path, whatever number of plugins name it.
public final class FileLogSinks: Sendable {
    private let registry: MetricRegistry
    private let lines: AuditLineCache
    private let log: DiagnosticLog
    private let sinks = Mutex<[String: FileLogSink]>([:])

    /// - Parameter lines: shared with the audit stream of the same flow.
    public init(registry: MetricRegistry, lines: AuditLineCache, log: DiagnosticLog = .shared) {
        self.registry = registry
        self.lines = lines
        self.log = log
    }

    /// The sink of a path. `isNew` says that it was made by this call and has to be given to the flow.
    ///
    /// - Parameter reopen: Kong's option: a file that was renamed or removed is opened anew before a write.
    public func sink(path: String, reopen: Bool = false) -> (sink: FileLogSink, isNew: Bool) {
        self.sinks.withLock { sinks in
            // After a shutdown (its plugin went away with a configuration) the path may come back.
            if let known = sinks[path], !known.isClosed {
                if reopen { known.checkNameOnWrite() }
                return (known, false)
            }
            let sink = FileLogSink(path: path, reopen: reopen, registry: self.registry, lines: self.lines, log: self.log)
            sinks[path] = sink
            return (sink, true)
        }
    }

    /// Those that are in use.
    public var open: [FileLogSink] { self.sinks.withLock { Array($0.values) }.filter { !$0.isClosed } }

    /// Opens every file anew at its next write: on SIGHUP.
    public func reopen() {
        for sink in self.sinks.withLock({ Array($0.values) }) { sink.reopen() }
    }
}
