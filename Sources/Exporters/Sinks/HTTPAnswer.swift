internal import SideClient

/// What an HTTP server says to a delivery of logs or of Zipkin spans: 2xx is taken; 408, 429 and 5xx may be repeated; the rest is refused for good.
enum HTTPAnswer {
    static func result(of answer: Result<SideResponse, SideFailure>, wallNow: UInt64) -> ExportResult {
        switch answer {
        case .success(let response):
            switch response.status {
            case 200..<300: return .accepted(rejected: 0)
            case 408: return .retryable(code: "408", retryAfter: nil, wasSent: false)
            case 500: return .retryable(code: "500", retryAfter: nil, wasSent: true)
            case 501, 505...599: return .retryable(code: "5xx", retryAfter: nil, wasSent: true)
            default: return CollectorAnswer.failure(response, wallNow: wallNow)
            }
        case .failure(let failure):
            switch failure.code {
            case .invalidRequest, .responseTooLarge: return .refused(code: failure.code.name)
            default: return .retryable(code: failure.code.name, retryAfter: nil, wasSent: failure.wasSent)
            }
        }
    }
}
