/// A finished span of a library inside the process, or of who embeds it. Requests have ``RequestEvidence`` instead.
///
/// Fields as OpenTelemetry's data model has them (https://opentelemetry.io/docs/specs/otel/trace/api/#span); times are nanoseconds since the epoch.
public struct LibrarySpan: Sendable {
    /// Numbers of `Span.SpanKind` in opentelemetry-proto.
    public enum Kind: UInt8, Sendable { case `internal` = 1, server, client, producer, consumer }
    /// Numbers of `Status.StatusCode`.
    public enum Status: UInt8, Sendable { case unset, ok, error }

    /// Something that happened in a span.
    public struct Event: Sendable {
        public let name: String
        public let time: UInt64
        public let attributes: [LibraryAttribute]

        public init(name: String, time: UInt64, attributes: [LibraryAttribute]) {
            self.name = name
            self.time = time
            self.attributes = attributes
        }
    }

    /// Another span that this one has to do with.
    public struct Link: Sendable {
        public let context: TraceContext
        public let attributes: [LibraryAttribute]

        public init(context: TraceContext, attributes: [LibraryAttribute]) {
            self.context = context
            self.attributes = attributes
        }
    }

    public let context: TraceContext
    /// 0: a trace begins here.
    public let parentSpanID: UInt64
    /// Whether the parent is another process's.
    public let hasRemoteParent: Bool
    public let kind: Kind
    public let start: UInt64
    public var name: String
    public var end: UInt64 = 0
    public var attributes: [LibraryAttribute] = []
    public var events: [Event] = []
    public var links: [Link] = []
    public var status = Status.unset
    public var statusMessage = ""
    /// Attributes, events and links beyond what a span may have.
    public var droppedAttributes = 0
    public var droppedEvents = 0
    public var droppedLinks = 0

    public init(context: TraceContext, parentSpanID: UInt64, hasRemoteParent: Bool, kind: Kind, start: UInt64, name: String) {
        self.context = context
        self.parentSpanID = parentSpanID
        self.hasRemoteParent = hasRemoteParent
        self.kind = kind
        self.start = start
        self.name = name
    }
}
