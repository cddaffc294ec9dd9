public import GatewayCore
import GatewayWire
import NIOCore

/// What the status and Admin listeners show of the process.
public struct StatusSource: Sendable {
    /// Whether the gateway serves: a configuration is active and it is not shutting down.
    public let isReady: @Sendable () -> Bool
    /// The metrics in the format the Accept value asks for: content type and text.
    public let metrics: @Sendable (_ accept: String) -> (contentType: String, bytes: [UInt8])
    /// Members of `/status` as JSON.
    public let status: @Sendable () -> String
    /// Pages of the Admin listener alone; nil on the status listener.
    public let inspection: InspectionSource?

    public init(
        isReady: @escaping @Sendable () -> Bool, metrics: @escaping @Sendable (_ accept: String) -> (contentType: String, bytes: [UInt8]),
        status: @escaping @Sendable () -> String, inspection: InspectionSource? = nil
    ) {
        self.inspection = inspection
        self.isReady = isReady
        self.metrics = metrics
        self.status = status
    }
}

/// What only operators see: single requests, and what makes series.
public struct InspectionSource: Sendable {
    /// The decision record of a request as JSON; nil when it is not among the last ones.
    public let explain: @Sendable (_ requestID: String) -> [UInt8]?
    /// Series by instrument and attribute value as JSON.
    public let cardinality: @Sendable () -> [UInt8]
    /// Names by which these pages may be asked for, besides those that always are; `_pellucid.admin.host_names`.
    public let hostNames: @Sendable () -> [String]

    public init(
        explain: @escaping @Sendable (_ requestID: String) -> [UInt8]?, cardinality: @escaping @Sendable () -> [UInt8], hostNames: @escaping @Sendable () -> [String] = { [] }
    ) {
        self.hostNames = hostNames
        self.explain = explain
        self.cardinality = cardinality
    }
}

/// Serves `/status`, `/status/ready` and `/metrics`, and with an ``InspectionSource`` `/explain/{request_id}` and `/metrics/cardinality`: Kong's Status API (https://developer.konghq.com/api/gateway/status/).
/// The latter two are shown under known host names only (``HostCheck``); scrapers and probes come under any.
/// Its own requests are not traffic and leave no evidence.
public struct StatusHandler: ExchangeHandler {
    private let source: StatusSource

    public init(source: StatusSource) { self.source = source }

    public func handle(_ exchange: any DownstreamExchange, on loop: LoopContext) async {
        let response = self.response(to: exchange.head)
        let isHead = exchange.head.method == .head
        var fields = response.fields
        _ = fields.append(.date, loop.dateField)
        if isHead { fields.replace(.contentLength, response.body.readableBytes) }
        exchange.writeHead(status: response.status, fields: fields, framing: isHead ? .none : .length(response.body.readableBytes))
        if !isHead {
            // A scraper that went away is not this handler's concern.
            do throws(DownstreamFailure) { try await exchange.writeBody(response.body) } catch { return }
        }
        exchange.finish(trailers: nil)
    }

    public func refuse(_ failure: DownstreamFailure, connection: ConnectionInfo, startedAt: UInt64, receivedBytes: Int, on loop: LoopContext) -> GatewayResponse {
        self.json(400, "{\"message\":\"Bad request: \(failure.code)\"}")
    }

    private func response(to head: HTTPRequestHead) -> GatewayResponse {
        guard head.method == .get || head.method == .head else { return self.json(405, "{\"message\":\"Method not allowed\"}") }
        switch String(decoding: head.target.path, as: UTF8.self) {
        case "/metrics":
            let (type, bytes) = self.source.metrics(head.fields.firstString(.accept) ?? "")
            var fields = HTTPFields()
            _ = fields.append(.contentType, type)
            return GatewayResponse(status: 200, fields: fields, body: ByteBuffer(bytes: bytes))
        case "/status": return self.json(200, self.source.status())
        case "/status/ready":
            return self.source.isReady()
                ? self.json(200, "{\"message\":\"ready\"}") : self.json(503, "{\"message\":\"not ready for proxying: starting up or shutting down\"}")
        case "/metrics/cardinality": return self.inspected(head) { self.json(200, $0.cardinality()) }
        case let path where path.hasPrefix("/explain/"):
            return self.inspected(head) { inspection in
                guard let explanation = inspection.explain(String(path.dropFirst(9))) else {
                    return self.json(404, "{\"message\":\"No record of this request: it is none of the last ones, or its id (X-Kong-Request-Id) is not 32 hex digits\"}")
                }
                return self.json(200, explanation)
            }
        default: return self.json(404, "{\"message\":\"Not found\"}")
        }
    }

    /// A page for operators: on the Admin listener alone, and for nobody whom a browser may have brought here under a name of his own.
    private func inspected(_ head: HTTPRequestHead, _ page: (InspectionSource) -> GatewayResponse) -> GatewayResponse {
        guard let inspection = self.source.inspection else { return self.json(404, "{\"message\":\"Not found\"}") }
        guard HostCheck(configured: inspection.hostNames()).allows(head) else {
            return self.json(403, "{\"message\":\"Not shown under this host name: use an address, localhost or the machine's own name, or add the name to _pellucid.admin.host_names\"}")
        }
        return page(inspection)
    }

    private func json(_ status: Int, _ body: [UInt8]) -> GatewayResponse {
        var fields = HTTPFields()
        fields.append(.contentType, literal: "application/json; charset=utf-8")
        return GatewayResponse(status: status, fields: fields, body: ByteBuffer(bytes: body))
    }

    private func json(_ status: Int, _ body: String) -> GatewayResponse {
        var fields = HTTPFields()
        fields.append(.contentType, literal: "application/json; charset=utf-8")
        return GatewayResponse(status: status, fields: fields, body: ByteBuffer(string: body))
    }
}
