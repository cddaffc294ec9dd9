import COTLP

/// libprotobuf-c as the judge of our span bytes.
struct OTLPOracle {
    struct Span {
        var name = ""
        var kind: UInt32 = 0
        var traceID: [UInt8] = []
        var spanID: [UInt8] = []
        var parentID: [UInt8] = []
        var traceState = ""
        var start: UInt64 = 0
        var end: UInt64 = 0
        var flags: UInt32 = 0
        var isError = false
        var attributes: [String: String] = [:]
        var attributeCount = 0
    }

    struct Decoded {
        var spans: [Span] = []
        var resource: [String: String] = [:]
        var scopeName = ""
        /// What libprotobuf-c packs from the message that it unpacked.
        var repacked: [UInt8] = []
    }

    /// Unpacks an `ExportTraceServiceRequest`; nil when libprotobuf-c refuses it.
    static func decode(_ bytes: [UInt8]) -> Decoded? {
        guard let message = otlp__export_trace_service_request__unpack(nil, bytes.count, bytes) else { return nil }
        defer { otlp__export_trace_service_request__free_unpacked(message, nil) }
        var decoded = Decoded()
        decoded.repacked = [UInt8](repeating: 0, count: otlp__export_trace_service_request__get_packed_size(message))
        _ = otlp__export_trace_service_request__pack(message, &decoded.repacked)
        for r in 0..<message.pointee.n_resource_spans {
            guard let resourceSpans = message.pointee.resource_spans[r] else { continue }
            if let resource = resourceSpans.pointee.resource { decoded.resource = attributes(resource.pointee.attributes, resource.pointee.n_attributes) }
            for s in 0..<resourceSpans.pointee.n_scope_spans {
                guard let scopeSpans = resourceSpans.pointee.scope_spans[s] else { continue }
                if let scope = scopeSpans.pointee.scope { decoded.scopeName = String(cString: scope.pointee.name) }
                for i in 0..<scopeSpans.pointee.n_spans {
                    if let span = scopeSpans.pointee.spans[i] { decoded.spans.append(self.span(span.pointee)) }
                }
            }
        }
        return decoded
    }

    private static func span(_ span: Otlp__Span) -> Span {
        var out = Span()
        out.name = String(cString: span.name)
        out.kind = span.kind.rawValue
        out.traceID = bytes(span.trace_id)
        out.spanID = bytes(span.span_id)
        out.parentID = bytes(span.parent_span_id)
        out.traceState = String(cString: span.trace_state)
        out.start = span.start_time_unix_nano
        out.end = span.end_time_unix_nano
        out.flags = span.flags
        if let status = span.status { out.isError = status.pointee.code == OTLP__STATUS_CODE__STATUS_CODE_ERROR }
        out.attributes = attributes(span.attributes, span.n_attributes)
        out.attributeCount = span.n_attributes
        return out
    }

    private static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] { [UInt8](UnsafeBufferPointer(start: data.data, count: data.len)) }

    private static func attributes(_ list: UnsafeMutablePointer<UnsafeMutablePointer<Otlp__KeyValue>?>?, _ count: Int) -> [String: String] {
        var out: [String: String] = [:]
        for i in 0..<count {
            guard let pair = list?[i], let value = pair.pointee.value else { continue }
            out[String(cString: pair.pointee.key)] = text(value.pointee)
        }
        return out
    }

    private static func text(_ value: Otlp__AnyValue) -> String {
        switch value.value_case {
        case OTLP__ANY_VALUE__VALUE_STRING_VALUE: return String(cString: value.string_value)
        case OTLP__ANY_VALUE__VALUE_INT_VALUE: return "\(value.int_value)"
        case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE: return "\(value.double_value)"
        case OTLP__ANY_VALUE__VALUE_BOOL_VALUE: return value.bool_value != 0 ? "true" : "false"
        case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
            guard let array = value.array_value else { return "[]" }
            return "[" + (0..<array.pointee.n_values).compactMap { array.pointee.values[$0].map { self.text($0.pointee) } }.joined(separator: ",") + "]"
        default: return "?"
        }
    }
}
