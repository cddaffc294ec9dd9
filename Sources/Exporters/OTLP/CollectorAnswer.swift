internal import COTLP
internal import SideClient

/// Reads a collector's answer to a trace export.
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlphttp-response
enum CollectorAnswer {
    static func result(of answer: Result<SideResponse, SideFailure>, wallNow: UInt64) -> ExportResult {
        switch answer {
        case .success(let response): return result(of: response, wallNow: wallNow)
        case .failure(let failure):
            switch failure.code {
            case .invalidRequest, .responseTooLarge: return .refused(code: failure.code.name)
            default: return .retryable(code: failure.code.name, retryAfter: nil, wasSent: failure.wasSent)
            }
        }
    }

    private static func result(of response: SideResponse, wallNow: UInt64) -> ExportResult {
        switch response.status {
        case 200..<300:
            guard let rejected = rejectedSpans(response.body) else { return .accepted(rejected: 0) }
            return .accepted(rejected: rejected)
        case 429: return .retryable(code: "429", retryAfter: retryAfter(response, wallNow), wasSent: false)
        case 502: return .retryable(code: "502", retryAfter: retryAfter(response, wallNow), wasSent: false)
        case 503: return .retryable(code: "503", retryAfter: retryAfter(response, wallNow), wasSent: false)
        // A proxy gave up on the collector, which may have worked on.
        case 504: return .retryable(code: "504", retryAfter: retryAfter(response, wallNow), wasSent: true)
        case 300..<400: return .refused(code: "redirect")
        case 400: return .refused(code: "400")
        case 401: return .refused(code: "401")
        case 403: return .refused(code: "403")
        case 404: return .refused(code: "404")
        case 413: return .refused(code: "413")
        case 400..<500: return .refused(code: "4xx")
        default: return .refused(code: "5xx")
        }
    }

    /// Spans that a partial success refused; nil where the body is no `ExportTraceServiceResponse`.
    static func rejectedSpans(_ body: [UInt8]) -> Int64? {
        guard let message = body.withUnsafeBufferPointer({ otlp__export_trace_service_response__unpack(nil, $0.count, $0.baseAddress) }) else { return nil }
        defer { otlp__export_trace_service_response__free_unpacked(message, nil) }
        guard let partial = message.pointee.partial_success else { return 0 }
        return max(0, partial.pointee.rejected_spans)
    }

    /// `Retry-After` in nanoseconds: delay-seconds or an HTTP-date (RFC 9110 section 10.2.3).
    private static func retryAfter(_ response: SideResponse, _ wallNow: UInt64) -> UInt64? {
        guard let text = response.header("retry-after") else { return nil }
        if let seconds = UInt64(text) { return min(seconds, 86_400) * 1_000_000_000 }
        guard let date = HTTPDate.parse(text) else { return nil }
        let now = wallNow / 1_000_000_000
        return date > now ? min(date - now, 86_400) * 1_000_000_000 : 0
    }
}
