internal import COTLP
internal import SideClient

/// Reads a collector's answer to an export.
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#otlphttp-response
enum CollectorAnswer {
    static func result(of answer: Result<SideResponse, SideFailure>, signal: ExportSignal, wallNow: UInt64) -> ExportResult {
        switch answer {
        case .success(let response): return result(of: response, signal: signal, wallNow: wallNow)
        case .failure(let failure):
            switch failure.code {
            case .invalidRequest, .responseTooLarge: return .refused(code: failure.code.name)
            default: return .retryable(code: failure.code.name, retryAfter: nil, wasSent: failure.wasSent)
            }
        }
    }

    private static func result(of response: SideResponse, signal: ExportSignal, wallNow: UInt64) -> ExportResult {
        if (200..<300).contains(response.status) { return .accepted(rejected: rejected(response.body, signal) ?? 0) }
        return failure(response, wallNow: wallNow)
    }

    /// What a status other than 2xx means, by the table of the specification.
    static func failure(_ response: SideResponse, wallNow: UInt64) -> ExportResult {
        switch response.status {
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

    /// Items that a partial success refused; nil where the body is no response of the signal.
    static func rejected(_ body: [UInt8], _ signal: ExportSignal) -> Int64? {
        body.withUnsafeBufferPointer { bytes in
            switch signal {
            case .traces:
                guard let message = otlp__export_trace_service_response__unpack(nil, bytes.count, bytes.baseAddress) else { return nil }
                defer { otlp__export_trace_service_response__free_unpacked(message, nil) }
                return max(0, message.pointee.partial_success?.pointee.rejected_spans ?? 0)
            case .metrics:
                guard let message = otlp__export_metrics_service_response__unpack(nil, bytes.count, bytes.baseAddress) else { return nil }
                defer { otlp__export_metrics_service_response__free_unpacked(message, nil) }
                return max(0, message.pointee.partial_success?.pointee.rejected_data_points ?? 0)
            case .logs:
                guard let message = otlp__export_logs_service_response__unpack(nil, bytes.count, bytes.baseAddress) else { return nil }
                defer { otlp__export_logs_service_response__free_unpacked(message, nil) }
                return max(0, message.pointee.partial_success?.pointee.rejected_log_records ?? 0)
            }
        }
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
