/// The header formats in which a trace travels between processes. `rawValue` is Kong's name.
public enum TraceFormat: String, Sendable, Hashable, CaseIterable {
    /// `traceparent`, `tracestate`: https://www.w3.org/TR/trace-context-1/
    case w3c
    /// `X-B3-TraceId` and its like, or `b3` in one header when reading: https://github.com/openzipkin/b3-propagation
    case b3
    /// `b3`.
    case b3Single = "b3-single"
    /// `uber-trace-id`: https://www.jaegertracing.io/docs/1.76/sdk-migration/#propagation-format
    case jaeger
    /// `ot-tracer-traceid` and its like: https://github.com/opentracing/basictracer-go
    case ot
    /// `X-Amzn-Trace-Id`: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    case aws
    /// `X-Cloud-Trace-Context`: https://cloud.google.com/trace/docs/trace-context#legacy-http-header
    case gcp
    /// `x-datadog-trace-id` and its like: https://docs.datadoghq.com/tracing/trace_collection/trace_context_propagation/
    case datadog
    /// `X-INSTANA-T` and its like: https://www.ibm.com/docs/en/instana-observability/current?topic=references-tracing-headers
    case instana

    var bit: UInt16 {
        switch self {
        case .w3c: 1
        case .b3: 2
        case .b3Single: 4
        case .jaeger: 8
        case .ot: 16
        case .aws: 32
        case .gcp: 64
        case .datadog: 128
        case .instana: 256
        }
    }

    /// The headers it writes; an incoming one of these is replaced.
    var headers: [String] {
        switch self {
        case .w3c: ["traceparent"]
        case .b3: ["x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"]
        case .b3Single: ["b3"]
        case .jaeger: ["uber-trace-id"]
        case .ot: ["ot-tracer-traceid", "ot-tracer-spanid", "ot-tracer-sampled"]
        case .aws: ["x-amzn-trace-id"]
        case .gcp: ["x-cloud-trace-context"]
        case .datadog: ["x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority"]
        case .instana: ["x-instana-t", "x-instana-s", "x-instana-l"]
        }
    }
}

/// A trace as a request brought it; less than a W3C context may be there.
public struct ExtractedTrace: Sendable, Equatable {
    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    /// 0 where the caller named none.
    public var spanID: UInt64 = 0
    /// Nil where the caller left the decision open.
    public var isSampled: Bool?
    /// How it was written.
    public var format: TraceFormat

    public init(format: TraceFormat) { self.format = format }

    var hasTrace: Bool { self.traceIDHigh | self.traceIDLow != 0 }
}
