/// A line that a library inside the process, or who embeds it, has logged.
public struct LibraryLogRecord: Sendable {
    /// Nanoseconds since the epoch.
    public let time: UInt64
    /// 1…24 (https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber) with its short name.
    public let severityNumber: UInt8
    public let severityText: String
    public let body: String
    public let attributes: [LibraryAttribute]
    /// The span it was logged in; nil: none.
    public let context: TraceContext?

    public init(time: UInt64, severityNumber: UInt8, severityText: String, body: String, attributes: [LibraryAttribute], context: TraceContext?) {
        self.time = time
        self.severityNumber = severityNumber
        self.severityText = severityText
        self.body = body
        self.attributes = attributes
        self.context = context
    }
}
