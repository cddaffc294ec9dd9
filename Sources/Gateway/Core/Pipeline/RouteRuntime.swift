public import Telemetry

/// A route with everything its requests need, resolved once when the configuration is loaded.
public final class RouteRuntime: Sendable {
    public let identity: RouteIdentity
    public let entity: RouteEntity
    public let service: ServiceRuntime?
    let chain: PluginChain
    let stripsPath: Bool
    let allowsPlaintext: Bool
    let allowsTLS: Bool
    /// Bounds the traces that begin with this route; nil: no bound.
    let traceLimit: TraceLimit?
    /// Whether responses say in `Server-Timing` what took how long: `_pellucid: {server_timing: true}` of the route.
    let showsTiming: Bool
    /// Whether responses are held back (`response_buffering`).
    let buffersResponse: Bool

    init(identity: RouteIdentity, entity: RouteEntity, service: ServiceRuntime?, chain: PluginChain, traceLimit: TraceLimit? = nil) {
        self.traceLimit = traceLimit
        self.showsTiming = entity.metadata.pellucid?["server_timing"]?.scalar?.text == "true"
        self.buffersResponse = entity.responseBuffering
        self.identity = identity
        self.entity = entity
        self.service = service
        self.chain = chain
        self.stripsPath = entity.stripPath
        self.allowsPlaintext = entity.protocols.contains { !$0.isSecure }
        self.allowsTLS = entity.protocols.contains { $0.isSecure }
    }
}

/// A service with its endpoint and limits resolved.
public final class ServiceRuntime: Sendable {
    public let entity: ServiceEntity
    public let endpoint: UpstreamEndpoint
    public let timeouts: UpstreamTimeouts
    /// The upstream whose targets its attempts go to; nil: they go to `endpoint`.
    public let group: UpstreamGroup?

    public init(entity: ServiceEntity, tls: UpstreamTLSOptions? = nil, group: UpstreamGroup? = nil) {
        self.group = group
        self.entity = entity
        self.endpoint = UpstreamEndpoint(
            host: entity.host, port: entity.port, isTLS: entity.protocol.isSecure, verifiesCertificate: entity.verifiesTLS ?? true, tls: tls)
        self.timeouts = UpstreamTimeouts(
            connect: UInt64(entity.connectTimeoutMilliseconds) * 1_000_000, send: UInt64(entity.writeTimeoutMilliseconds) * 1_000_000,
            read: UInt64(entity.readTimeoutMilliseconds) * 1_000_000)
    }
}
