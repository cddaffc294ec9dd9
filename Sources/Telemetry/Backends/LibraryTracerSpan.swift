import Synchronization
import Telemetry
public import Tracing

/// One span of ``LibraryTracer``. It is handed on once, when it ends; what is set later has no effect.
public final class LibraryTracerSpan: Tracing.Span {
    /// Most attributes, events and links of a span (https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits); what is more is counted.
    private static let limit = 128

    private struct State {
        var record: LibrarySpan
        var attributes: SpanAttributes = [:]
        var hasEnded = false
    }

    public let context: InstrumentationContext
    private let sink: any LibrarySpanSink
    private let isSampled: Bool
    private let state: Mutex<State>

    init(_ record: LibrarySpan, context: InstrumentationContext, sink: any LibrarySpanSink) {
        self.context = context
        self.sink = sink
        self.isSampled = record.context.isSampled
        self.state = Mutex(State(record: record))
    }

    public var isRecording: Bool { self.isSampled && self.state.withLock { !$0.hasEnded } }

    public var operationName: String {
        get { self.state.withLock { $0.record.name } }
        set { self.state.withLock { $0.record.name = newValue } }
    }

    public var attributes: SpanAttributes {
        get { self.state.withLock { $0.attributes } }
        set { self.state.withLock { $0.attributes = newValue } }
    }

    public func setStatus(_ status: SpanStatus) {
        self.state.withLock { state in
            state.record.status = status.code == .ok ? .ok : .error
            // A description belongs to errors only (https://opentelemetry.io/docs/specs/otel/trace/api/#set-status).
            state.record.statusMessage = status.code == .error ? status.message ?? "" : ""
        }
    }

    public func addEvent(_ event: SpanEvent) {
        let made = LibrarySpan.Event(name: event.name, time: event.nanosecondsSinceEpoch, attributes: Self.list(event.attributes).kept)
        self.state.withLock { state in
            if state.record.events.count < Self.limit { state.record.events.append(made) } else { state.record.droppedEvents += 1 }
        }
    }

    /// The type of an error only: what it says may be a message from outside.
    public func recordError<Instant: TracerInstant>(_ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant) {
        var all = attributes
        all["exception.type"] = "\(type(of: error))"
        self.addEvent(SpanEvent(name: "exception", at: instant(), attributes: all))
    }

    public func addLink(_ link: SpanLink) {
        guard let context = link.context.traceContext else { return }
        let made = LibrarySpan.Link(context: context, attributes: Self.list(link.attributes).kept)
        self.state.withLock { state in
            if state.record.links.count < Self.limit { state.record.links.append(made) } else { state.record.droppedLinks += 1 }
        }
    }

    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let time = instant().nanosecondsSinceEpoch
        let finished = self.state.withLock { state -> LibrarySpan? in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            state.record.end = time
            (state.record.attributes, state.record.droppedAttributes) = Self.list(state.attributes)
            return state.record
        }
        if let finished, self.isSampled { self.sink.take(finished) }
    }

    private static func list(_ attributes: SpanAttributes) -> (kept: [LibraryAttribute], dropped: Int) {
        var kept: [LibraryAttribute] = []
        attributes.forEach { key, attribute in
            if let value = self.value(attribute) { kept.append(LibraryAttribute(key, value)) }
        }
        kept.sort { $0.key < $1.key }
        return (Array(kept.prefix(self.limit)), max(0, kept.count - self.limit))
    }

    private static func value(_ attribute: SpanAttribute) -> LibraryValue? {
        switch attribute {
        case .int32(let value): .int(Int64(value))
        case .int64(let value): .int(value)
        case .int32Array(let values): .array(values.map { .int(Int64($0)) })
        case .int64Array(let values): .array(values.map { .int($0) })
        case .double(let value): .double(value)
        case .doubleArray(let values): .array(values.map { .double($0) })
        case .bool(let value): .bool(value)
        case .boolArray(let values): .array(values.map { .bool($0) })
        case .string(let value): .string(value)
        case .stringArray(let values): .array(values.map { .string($0) })
        case .stringConvertible(let value): .string("\(value)")
        case .stringConvertibleArray(let values): .array(values.map { .string("\($0)") })
        // The library's enum asks for a default: kinds it adds later are left out.
        default: nil
        }
    }
}
