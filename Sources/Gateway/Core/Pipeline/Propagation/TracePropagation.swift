import GatewayWire
import Telemetry

/// How a route reads and writes trace context: Kong's `propagation` of `opentelemetry` and `zipkin`.
///
/// Source of the rules: https://developer.konghq.com/plugins/opentelemetry/#propagation and kong/observability/tracing/propagation/init.lua.
public struct TracePropagation: Sendable, Hashable {
    /// What is written.
    public enum Injection: Sendable, Hashable {
        /// The format that was read, or the default.
        case preserve
        case format(TraceFormat)
    }

    /// Read in this order until one is found; empty: every request begins a trace.
    public var extract: [TraceFormat]
    public var inject: [Injection]
    /// Names of headers that the upstream does not get.
    public var clear: [String]
    public var defaultFormat: TraceFormat
    /// Bytes of new trace ids, 8 or 16.
    public var traceIDBytes: Int
    /// Header of the response that carries the trace id.
    public var responseHeader: String?

    public init(
        extract: [TraceFormat], inject: [Injection], clear: [String] = [], defaultFormat: TraceFormat = .w3c, traceIDBytes: Int = 16, responseHeader: String? = nil
    ) {
        self.extract = extract
        self.inject = inject
        self.clear = clear.map { $0.lowercased() }
        self.defaultFormat = defaultFormat
        self.traceIDBytes = traceIDBytes
        self.responseHeader = responseHeader
    }

    /// What the engine does by itself: W3C in, W3C out, nothing to write otherwise.
    var isStandard: Bool {
        self.extract == [.w3c] && self.clear.isEmpty && self.traceIDBytes == 16 && (self.inject == [.format(.w3c)] || self.inject == [.preserve] && self.defaultFormat == .w3c)
    }

    /// Whether nothing but W3C's header is to be written and nothing taken away, which the transport does by itself.
    func writesOnlyW3C(after found: TraceFormat?) -> Bool {
        self.clear.isEmpty
            && self.inject.allSatisfy {
                switch $0 {
                case .preserve: (found ?? self.defaultFormat) == .w3c
                case .format(let format): format == .w3c
                }
            } && !self.inject.isEmpty
    }

    func read(_ fields: HTTPFields) -> ExtractedTrace? {
        let present = TraceExtractor.candidates(in: fields)
        for format in self.extract where present & format.bit != 0 {
            if let trace = TraceExtractor.extract(format, from: fields) { return trace }
        }
        return nil
    }

    /// The formats to write for a request in which `found` was read, none twice.
    func formats(after found: TraceFormat?) -> [TraceFormat] {
        var formats: [TraceFormat] = []
        for injection in self.inject {
            let format: TraceFormat =
                switch injection {
                case .preserve: found ?? self.defaultFormat
                case .format(let format): format
                }
            if !formats.contains(format) { formats.append(format) }
        }
        return formats
    }

    /// Header lines of a context in a format; W3C is the transport's own.
    static func write(_ format: TraceFormat, _ context: TraceContext, parent: UInt64, into lines: inout FieldLines) {
        if format == .w3c { return }
        let trace = self.hex(context.traceIDHigh) + self.hex(context.traceIDLow)
        // 64-bit ids stay as short as they came.
        let short = context.traceIDHigh == 0 ? self.hex(context.traceIDLow) : trace
        let span = self.hex(context.spanID)
        let flag = context.isSampled ? "1" : "0"
        switch format {
        case .w3c: break
        case .b3:
            _ = lines.add(name: "x-b3-traceid", short)
            _ = lines.add(name: "x-b3-spanid", span)
            if parent != 0 { _ = lines.add(name: "x-b3-parentspanid", self.hex(parent)) }
            _ = lines.add(name: "x-b3-sampled", flag)
        case .b3Single: _ = lines.add(name: "b3", "\(short)-\(span)-\(flag)" + (parent != 0 ? "-\(self.hex(parent))" : ""))
        case .jaeger: _ = lines.add(name: "uber-trace-id", "\(short):\(span):\(parent != 0 ? self.hex(parent) : "0"):\(context.isSampled ? "01" : "00")")
        case .ot:
            _ = lines.add(name: "ot-tracer-traceid", short)
            _ = lines.add(name: "ot-tracer-spanid", span)
            _ = lines.add(name: "ot-tracer-sampled", flag)
        case .aws: _ = lines.add(name: "x-amzn-trace-id", "Root=1-\(trace.prefix(8))-\(trace.dropFirst(8));Parent=\(span);Sampled=\(flag)")
        case .gcp: _ = lines.add(name: "x-cloud-trace-context", "\(trace)/\(context.spanID);o=\(flag)")
        case .datadog:
            _ = lines.add(name: "x-datadog-trace-id", "\(context.traceIDLow)")
            _ = lines.add(name: "x-datadog-parent-id", "\(context.spanID)")
            _ = lines.add(name: "x-datadog-sampling-priority", flag)
        case .instana:
            _ = lines.add(name: "x-instana-t", short)
            _ = lines.add(name: "x-instana-s", span)
            _ = lines.add(name: "x-instana-l", flag)
        }
    }

    static func hex(_ value: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { buffer in
            TraceContext.writeHex(value, into: UnsafeMutableRawBufferPointer(buffer), at: 0)
            return 16
        }
    }
}
