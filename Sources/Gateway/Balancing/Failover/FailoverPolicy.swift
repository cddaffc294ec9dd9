import GatewayCore

/// What Kong's `failover_criteria` make of a failure: the only place where one leads to another attempt.
struct FailoverPolicy: Sendable {
    let criteria: FailoverCriteria

    /// The criterion a failure without an answer falls under; nil: nobody's failure.
    static func criterion(of failure: UpstreamFailure) -> FailoverCriteria? {
        switch failure {
        case .nameResolution, .connectRefused, .tls, .proxyRefused, .connectionLimit, .noTarget, .closedBeforeResponse, .closedMidResponse, .unauthorized: .error
        case .connectTimeout, .sendTimeout, .readTimeout: .timeout
        case .malformed: .invalidHeader
        case .declined(let code): FailoverPolicy.criterion(ofCode: code)
        case .cancelled: nil
        }
    }

    /// The criterion an answer falls under; nil: it is an answer. Statuses that Kong does not list count as the listed one of their class.
    static func criterion(ofStatus status: Int, _ kind: FailureClass) -> FailoverCriteria? {
        switch status {
        case 403: .http403
        case 404: .http404
        case 429: .http429
        case 500: .http500
        case 502: .http502
        case 503: .http503
        case 504: .http504
        default:
            switch kind {
            case .rateLimited: .http429
            case .overloaded: .http503
            case .serverError: .http500
            case .none, .authentication, .invalidRequest, .notFound: nil
            }
        }
    }

    /// `error.type` of an attempt whose answer is declined.
    static func code(of criterion: FailoverCriteria) -> StaticString {
        switch criterion {
        case .http403: "403"
        case .http404: "404"
        case .http429: "429"
        case .http500: "500"
        case .http502: "502"
        case .http503: "503"
        default: "504"
        }
    }

    private static func criterion(ofCode code: StaticString) -> FailoverCriteria? {
        let answers: [FailoverCriteria] = [.http403, .http404, .http429, .http500, .http502, .http503, .http504]
        return answers.first { self.code(of: $0).description == code.description }
    }

    /// Whether the criteria allow another attempt.
    ///
    /// - Parameters:
    ///   - wasSent: whether the upstream may have received the request.
    ///   - isIdempotent: whether the request may then be sent again.
    func allows(_ criterion: FailoverCriteria, wasSent: Bool, isIdempotent: Bool) -> Bool {
        self.criteria.contains(criterion) && (!wasSent || isIdempotent || self.criteria.contains(.nonIdempotent))
    }

    /// Whether the circuit counts it: failures without an answer always, 403 and 404 never, other answers where they are a criterion (Kong's `max_fails`).
    func isUnsuccessful(_ criterion: FailoverCriteria) -> Bool {
        switch criterion {
        case .error, .timeout, .invalidHeader: true
        case .http403, .http404: false
        default: self.criteria.contains(criterion)
        }
    }
}
