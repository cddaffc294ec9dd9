public import Telemetry

/// A consumer that appends, sends or queues log lines.
public protocol LogLineSink: EvidenceConsumer {
    /// Takes the line of a finished request.
    ///
    /// - Parameter line: a JSON object without its closing brace, valid during the call.
    func take(_ line: UnsafeRawBufferPointer, of evidence: RequestEvidence)
}

/// A log sink as one plugin sees it: with lines changed by that plugin's configuration. Several plugins may share the sink, each with changes of its own.
public final class EditedLogLines: EvidenceConsumer {
    public let name: StaticString
    private let sink: any LogLineSink
    private let editor: any LogLineEditor
    private let lines: AuditLineCache

    /// - Parameter lines: shared with the sinks of the same flow, so that each request is encoded once.
    public init(_ sink: any LogLineSink, editor: any LogLineEditor, lines: AuditLineCache) {
        self.name = sink.name
        self.sink = sink
        self.editor = editor
        self.lines = lines
    }

    public var destination: any EvidenceConsumer { self.sink }

    public func consume(_ evidence: RequestEvidence) {
        let line = self.editor.edited(self.lines.line(for: evidence))
        line.withUnsafeBytes { self.sink.take($0, of: evidence) }
    }

    public func tick(now: UInt64) {}

    /// Nothing: the sink counts.
    public func counts() -> DeliveryCounts { DeliveryCounts() }

    public func shutdown(deadline: UInt64) {}
}
