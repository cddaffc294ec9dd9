public import GatewayCore

/// What credentials are read from: all of the outside that this module touches, so that tests can stand in for it.
public struct CredentialEnvironment: Sendable {
    public let variables: [String: String]
    /// Reads a file; nil when it cannot be read. May block: asked seldom, for small files.
    public let file: @Sendable (String) -> String?
    /// Nanoseconds since 1970.
    public let wallClock: @Sendable () -> UInt64
    public let http: HTTPService

    public init(
        variables: [String: String], file: @escaping @Sendable (String) -> String?, wallClock: @escaping @Sendable () -> UInt64, http: HTTPService
    ) {
        self.variables = variables
        self.file = file
        self.wallClock = wallClock
        self.http = http
    }

    /// A variable that is set and not empty.
    func variable(_ name: String) -> String? { self.variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// Seconds since 1970.
    var now: Int { Int(self.wallClock() / 1_000_000_000) }
}

extension CredentialEnvironment {
    /// One exchange with a token endpoint.
    ///
    /// - Parameter endpoint: what failures call it; no URL, which may hold ids.
    /// - Returns: the body of a 200 answer.
    /// - Throws: a failure that names endpoint, status and the error code the endpoint gave, nothing else of its answer.
    func fetch(_ call: HTTPCall, _ endpoint: String, _ permit: inout CallPermit) async throws(AuthorizationFailure) -> TokenAnswer {
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(call, &permit) } catch {
            if error.code == .cancelled { throw AuthorizationFailure("cancelled", message: "the request for credentials was given up") }
            throw AuthorizationFailure("credentials_unreachable", message: "\(endpoint) does not answer: \(error.code.name)")
        }
        guard answer.status == 200 else {
            let reason = TokenAnswer(body: answer.body).errorCode.map { ", \($0)" } ?? ""
            throw AuthorizationFailure("credentials_refused", message: "\(endpoint) answered with status \(answer.status)\(reason)")
        }
        return TokenAnswer(body: answer.body)
    }

    /// A form to a token endpoint.
    func post(
        _ url: String, _ fields: [(name: String, value: String)], _ endpoint: String, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> TokenAnswer {
        let call = HTTPCall(
            url: url, headers: [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")], body: FormBody.make(fields))
        return try await self.fetch(call, endpoint, &permit)
    }
}
