public import Telemetry
import Synchronization

/// One loaded configuration, complete and immutable. Requests keep the one they began with.
public final class GatewaySnapshot: Sendable {
    public let hash: String
    public let router: Router
    /// In the router's order of indices.
    public let routes: [RouteRuntime]
    public let sampler: Sampler
    /// Sinks that only this configuration uses; App retires them when the next one does not.
    public let sinks: [any EvidenceConsumer]
    /// Of the log plugins that are tied to no service, route or consumer: they see what no route takes, as Kong's do.
    let unroutedSinks: [any EvidenceConsumer]
    public let settings: PellucidSettings
    /// Fields recorded besides the few that always are: those the settings name, and those that log plugins need.
    let recordedHeaders: (request: [String], response: [String])
    /// The upstreams that services go through, for active health checks.
    public let groups: [UpstreamGroup]

    init(
        hash: String, router: Router, routes: [RouteRuntime], sampler: Sampler, sinks: [any EvidenceConsumer], unroutedSinks: [any EvidenceConsumer],
        settings: PellucidSettings, recordedHeaders: (request: [String], response: [String]), groups: [UpstreamGroup] = []
    ) {
        self.unroutedSinks = unroutedSinks
        self.groups = groups
        self.hash = hash
        self.router = router
        self.routes = routes
        self.sampler = sampler
        self.sinks = sinks
        self.settings = settings
        self.recordedHeaders = recordedHeaders
    }
}

extension GatewaySnapshot {
    /// The same configuration under another sampler.
    public func sampled(by sampler: Sampler) -> GatewaySnapshot {
        GatewaySnapshot(
            hash: self.hash, router: self.router, routes: self.routes, sampler: sampler, sinks: self.sinks, unroutedSinks: self.unroutedSinks, settings: self.settings,
            recordedHeaders: self.recordedHeaders, groups: self.groups)
    }
}

/// The active snapshot: read once by each request, swapped whole by a reload.
public final class SnapshotStore: Sendable {
    private let current: Mutex<GatewaySnapshot>

    public init(_ snapshot: GatewaySnapshot) { self.current = Mutex(snapshot) }

    public var active: GatewaySnapshot { self.current.withLock { $0 } }

    /// - Returns: the snapshot that was active.
    @discardableResult
    public func swap(_ snapshot: GatewaySnapshot) -> GatewaySnapshot {
        self.current.withLock { current in
            let previous = current
            current = snapshot
            return previous
        }
    }
}
