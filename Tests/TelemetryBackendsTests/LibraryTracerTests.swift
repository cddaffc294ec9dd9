import Synchronization
import Telemetry
import TelemetryBackends
import Testing
import Tracing

/// Keeps what it is given.
private final class Keeper: LibrarySpanSink {
    private let kept = Mutex<[LibrarySpan]>([])
    var spans: [LibrarySpan] { self.kept.withLock { $0 } }
    func take(_ span: LibrarySpan) { self.kept.withLock { $0.append(span) } }
    func flush() {}
}

private struct Fields: Extractor, Injector {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
}

/// swift-distributed-tracing in the gateway's exporters.
@Suite struct LibraryTracerTests {
    private struct Broken: Error {}
    private let keeper = Keeper()
    private var tracer: LibraryTracer { LibraryTracer(sink: self.keeper) }

    @Test func `nested spans are parent and child of one trace`() throws {
        self.tracer.withSpan("outer", ofKind: .server) { outer in
            outer.attributes["n"] = 3
            self.tracer.withSpan("inner") { _ in }
        }
        let spans = self.keeper.spans
        #expect(spans.map(\.name) == ["inner", "outer"])
        let (inner, outer) = (spans[0], spans[1])
        #expect(inner.context.traceIDHigh == outer.context.traceIDHigh && inner.context.traceIDLow == outer.context.traceIDLow)
        #expect(inner.parentSpanID == outer.context.spanID && outer.parentSpanID == 0)
        #expect(outer.kind == .server && inner.kind == .internal)
        #expect(outer.attributes == [LibraryAttribute("n", .int(3))])
        #expect(!inner.hasRemoteParent && outer.start <= inner.start && inner.end <= outer.end)
    }

    @Test func `context travels as traceparent and tracestate`() throws {
        let incoming = ["traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "a=b"]
        var context = ServiceContext.topLevel
        self.tracer.extract(incoming, into: &context, using: Fields())
        let span = self.tracer.startSpan("call", context: context, ofKind: .client)
        var outgoing: [String: String] = [:]
        self.tracer.inject(span.context, into: &outgoing, using: Fields())
        span.end()
        let kept = try #require(self.keeper.spans.first)
        #expect(kept.parentSpanID == 0x00f0_67aa_0ba9_02b7 && kept.hasRemoteParent)
        #expect(outgoing == ["traceparent": kept.context.traceparent, "tracestate": "a=b"])
        #expect(kept.context.traceparent.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-"))
    }

    @Test func `what is no traceparent is ignored and a caller's no is kept`() {
        var context = ServiceContext.topLevel
        self.tracer.extract(["traceparent": "00-xyz"], into: &context, using: Fields())
        #expect(context.traceContext == nil)
        self.tracer.extract(["traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"], into: &context, using: Fields())
        let span = self.tracer.startSpan("unsampled", context: context)
        #expect(!span.isRecording)
        span.end()
        #expect(self.keeper.spans.isEmpty)
    }

    @Test func `an error leaves its type and never its message`() throws {
        #expect(throws: Broken.self) { try self.tracer.withSpan("fails") { _ in throw Broken() } }
        let span = try #require(self.keeper.spans.first)
        #expect(span.status == .error)
        #expect(span.events.map(\.name) == ["exception"])
        #expect(span.events[0].attributes == [LibraryAttribute("exception.type", .string("Broken"))])
    }

    @Test func `an ended span changes no more and ends once`() {
        let span = self.tracer.startSpan("once")
        span.addLink(SpanLink(context: self.tracer.startSpan("other").context, attributes: [:]))
        for number in 0..<130 { span.addEvent(SpanEvent(name: "e\(number)")) }
        span.end()
        span.attributes["late"] = true
        span.end()
        #expect(self.keeper.spans.count == 1)
        #expect(self.keeper.spans[0].attributes.isEmpty && self.keeper.spans[0].links.count == 1)
        #expect(self.keeper.spans[0].events.count == 128 && self.keeper.spans[0].droppedEvents == 2)
    }
}
