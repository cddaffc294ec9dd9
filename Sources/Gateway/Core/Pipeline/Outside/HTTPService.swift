import Telemetry

/// HTTP to outside services for stages, reached with a ``CallPermit`` only: so every exchange lies under a CLIENT span that says whom was asked and what came.
///
/// The exchange runs on a thread of its own with kept-alive connections; its result is awaited on the request's event loop, which goes on serving others.
public struct HTTPService: Sendable {
    private let caller: any HTTPCaller

    public init(_ caller: any HTTPCaller) { self.caller = caller }

    /// Sends a request and waits for the whole answer.
    ///
    /// Cancelling the task cancels the exchange. The permit's span gets method, address, status and, for a failure, `error.type`; never path, query, fields or content.
    public func send(_ call: HTTPCall, _ permit: inout CallPermit) async throws(HTTPCallFailure) -> HTTPAnswer {
        permit.record.set(AttributeNames.httpRequestMethod, .string(call.method))
        if let url = URLText(parsing: call.url), let host = url.host {
            permit.record.set(AttributeNames.serverAddress, .string(host))
            permit.record.set(AttributeNames.serverPort, .int(Int64(url.port ?? (url.scheme == "https" ? 443 : 80))))
        }
        do throws(HTTPCallFailure) {
            let answer = try await self.caller.exchange(call)
            permit.record.set(AttributeNames.httpResponseStatusCode, .int(Int64(answer.status)))
            // A client's span counts 4xx as errors too (https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status); a service that throws names its own.
            if answer.status >= 400 { permit.fail(answer.status >= 500 ? "http_5xx" : "http_4xx") }
            return answer
        } catch {
            permit.fail(error.code.name)
            throw error
        }
    }
}

/// Performs the exchanges of an ``HTTPService``. App implements it over libcurl; tests script it. No plugin gets hold of one.
public protocol HTTPCaller: Sendable {
    func exchange(_ call: HTTPCall) async throws(HTTPCallFailure) -> HTTPAnswer
}
