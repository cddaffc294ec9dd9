public import Telemetry
public import Tracing

/// swift-distributed-tracing in the gateway's exporters: spans of libraries leave by OTLP beside those of requests, and context travels as W3C `traceparent`.
public struct LibraryTracer: Tracer {
    /// - Parameters:
    ///   - parent: the decision of the trace's caller; nil for a trace that begins here.
    ///   - traceIDLow: the low half of the trace's id.
    public typealias Sampler = @Sendable (_ parent: Bool?, _ traceIDLow: UInt64) -> Bool

    private let sink: any LibrarySpanSink
    private let sampler: Sampler

    /// - Parameter sampler: by default a trace that begins here is taken, and any other as its caller says.
    public init(sink: any LibrarySpanSink, sampler: @escaping Sampler = { parent, _ in parent ?? true }) {
        self.sink = sink
        self.sampler = sampler
    }

    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> InstrumentationContext, ofKind kind: SpanKind, at instant: @autoclosure () -> Instant, function: String,
        file fileID: String, line: UInt
    ) -> LibraryTracerSpan {
        var context = context()
        let parent = context.traceContext
        let high = parent?.traceIDHigh ?? UInt64.random(in: 1 ... .max)
        let low = parent?.traceIDLow ?? UInt64.random(in: 1 ... .max)
        let own = TraceContext(traceIDHigh: high, traceIDLow: low, spanID: UInt64.random(in: 1 ... .max), isSampled: self.sampler(parent?.isSampled, low))
        let isRemote = context.isRemote
        context.traceContext = own
        context.isRemote = false
        let record = LibrarySpan(
            context: own, parentSpanID: parent?.spanID ?? 0, hasRemoteParent: parent != nil && isRemote, kind: Self.kind(kind), start: instant().nanosecondsSinceEpoch, name: operationName)
        return LibraryTracerSpan(record, context: context, sink: self.sink)
    }

    public func forceFlush() { self.sink.flush() }

    public func extract<Carrier, Extract: Extractor>(_ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract) where Extract.Carrier == Carrier {
        guard var text = extractor.extract(key: "traceparent", from: carrier) else { return }
        guard let remote = text.withUTF8({ TraceContext(traceparent: UnsafeRawBufferPointer($0)) }) else { return }
        context.traceContext = remote
        context.isRemote = true
        context.traceState = extractor.extract(key: "tracestate", from: carrier)
    }

    public func inject<Carrier, Inject: Injector>(_ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject) where Inject.Carrier == Carrier {
        guard let own = context.traceContext else { return }
        injector.inject(own.traceparent, forKey: "traceparent", into: &carrier)
        if let state = context.traceState, !state.isEmpty { injector.inject(state, forKey: "tracestate", into: &carrier) }
    }

    private static func kind(_ kind: SpanKind) -> LibrarySpan.Kind {
        switch kind {
        case .server: .server
        case .client: .client
        case .producer: .producer
        case .consumer: .consumer
        case .internal: .internal
        }
    }
}

extension TraceContext {
    /// 32 lower-case hex digits.
    var traceID: String { String(self.traceparent.dropFirst(3).prefix(32)) }
    /// 16 lower-case hex digits.
    var span: String { String(self.traceparent.dropFirst(36).prefix(16)) }
}

extension InstrumentationContext {
    private enum TraceKey: InstrumentationContextKey {
        typealias Value = TraceContext
        static let nameOverride: String? = "pellucid.trace"
    }

    private enum StateKey: InstrumentationContextKey {
        typealias Value = String
        static let nameOverride: String? = "pellucid.tracestate"
    }

    private enum RemoteKey: InstrumentationContextKey {
        typealias Value = Bool
        static let nameOverride: String? = "pellucid.remote"
    }

    /// The span that new ones are children of; nil: none.
    public internal(set) var traceContext: TraceContext? {
        get { self[TraceKey.self] }
        set { self[TraceKey.self] = newValue }
    }

    /// `tracestate` as it came, for passing on.
    var traceState: String? {
        get { self[StateKey.self] }
        set { self[StateKey.self] = newValue }
    }

    /// Whether the span is another process's.
    var isRemote: Bool {
        get { self[RemoteKey.self] ?? false }
        set { self[RemoteKey.self] = newValue }
    }
}
