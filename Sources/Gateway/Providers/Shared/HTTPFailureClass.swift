import GatewayCore

/// What a status means where a vendor has no rules of its own.
enum HTTPFailureClass {
    static func of(_ status: Int) -> FailureClass {
        switch status {
        case ..<400: .none
        case 401, 403: .authentication
        case 404: .notFound
        case 429: .rateLimited
        case 503, 529: .overloaded
        case 500...: .serverError
        default: .invalidRequest
        }
    }
}
