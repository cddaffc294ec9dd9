import GatewayWire
public import Telemetry

/// What one event loop gives to the requests it serves. Used on that loop only.
public final class LoopContext {
    public let telemetry: LoopTelemetry
    public let upstream: any UpstreamTransport
    /// This loop's view of "now" for response dates, refreshed once a second.
    public var dateField: String = ""
    /// Makes what takes a content coding off; nil for codings that are not known.
    public var decoder: (_ coding: String) -> (any ContentDecoder)? = { _ in nil }

    /// WebSocket sessions of this loop, for what concerns them all.
    var webSockets: [ObjectIdentifier: WebSocketSession] = [:]
    /// Whether the gateway is stopping: sessions that begin now would outlive it.
    private(set) var isGoingAway = false

    /// Room for the lines of one response head, used and forgotten while it is written.
    var headLines = FieldLines(capacity: 512)

    public init(telemetry: LoopTelemetry, upstream: any UpstreamTransport) {
        self.telemetry = telemetry
        self.upstream = upstream
    }

    /// Says to both sides of every WebSocket session that the gateway is going away, and ends them. On the loop only.
    public func goAway() {
        self.isGoingAway = true
        for session in Array(self.webSockets.values) { session.goAway() }
    }

    /// Looks after the sessions: pings those whose time has come, and ends those that did not answer a ping or a close. On the loop only; called about once a second.
    public func tendWebSockets(now: UInt64) {
        guard !self.webSockets.isEmpty else { return }
        for session in Array(self.webSockets.values) { session.tick(now: now) }
    }
}

/// Serves exchanges: the border between the transports and the pipeline.
public protocol ExchangeHandler: Sendable {
    /// Serves one exchange to its end; returns when the response is handed over or given up.
    func handle(_ exchange: any DownstreamExchange, on loop: LoopContext) async
    /// Records a request that could not be parsed, and gives the answer to send before the connection closes.
    func refuse(_ failure: DownstreamFailure, connection: ConnectionInfo, startedAt: UInt64, receivedBytes: Int, on loop: LoopContext) -> GatewayResponse
}
