import Synchronization

/// An upstream of the configuration with its targets, as services go through it: chooses a target for each attempt and learns from how it ends.
public final class UpstreamGroup: Sendable {
    /// One target.
    public final class Target: Sendable {
        public let endpoint: UpstreamEndpoint
        let weight: Int
        let isFailover: Bool
        public let health: TargetHealth
        /// The same in every process, so that gateways side by side hash alike.
        let seed: UInt64
        /// Names the target in a cookie without telling its address.
        let token: String

        init(endpoint: UpstreamEndpoint, weight: Int, isFailover: Bool, health: TargetHealth) {
            self.endpoint = endpoint
            self.weight = weight
            self.isFailover = isFailover
            self.health = health
            self.seed = BalancingHash.of("\(endpoint.host):\(endpoint.port)".utf8)
            self.token = String(self.seed, radix: 16)
        }

        func score(_ hash: UInt64) -> Double { Rendezvous.score(seed: self.seed, key: hash, weight: self.weight) }
    }

    public let entity: UpstreamEntity
    public let targets: [Target]
    /// Whether anything can take a target out of service.
    private let isChecked: Bool
    private let regular: Turns
    private let failover: Turns

    /// - Parameter entities: of this upstream; weight 0 takes none of the traffic.
    init(_ entity: UpstreamEntity, _ entities: [TargetEntity], service: ServiceEntity, tls: UpstreamTLSOptions?, store: UpstreamHealthStore) {
        self.entity = entity
        self.isChecked = entity.healthChecks.isOn
        self.targets = entities.filter { $0.weight > 0 }.map { target in
            let (host, port) = UpstreamGroup.split(target.target)
            // Numeric targets are asked for by the name that the service's clients know.
            let name = UpstreamEndpoint.isNumeric(host) ? entity.hostHeader.map { UpstreamGroup.split($0).host } : nil
            return Target(
                endpoint: UpstreamEndpoint(
                    host: host, port: port, isTLS: service.protocol.isSecure, serverName: name, verifiesCertificate: service.verifiesTLS ?? true, tls: tls),
                weight: target.weight, isFailover: target.isFailover, health: store.health(upstream: entity.name, target: target.target))
        }
        self.regular = Turns(self.targets, isFailover: false, slots: entity.slots)
        self.failover = Turns(self.targets, isFailover: true, slots: entity.slots)
    }

    static func split(_ text: String) -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]"), let port = Int(text[text.index(after: colon)...]) else { return (text, 8000) }
        let host = text[..<colon]
        return (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host), port)
    }

    // MARK: Choosing

    /// What of a request decides.
    struct Key {
        /// Of what `hash_on` says, or its fallback; nil: there is nothing to hash.
        var hash: UInt64?
        /// The token of a sticky session's cookie.
        var token: String?
    }

    /// A target for the next attempt; nil when none may be used.
    ///
    /// - Parameter tried: targets of earlier attempts, taken again only when nothing else is left.
    func choose(_ key: Key, tried: [ObjectIdentifier]) -> Target? {
        guard self.isAvailable else { return nil }
        var usable = self.targets.filter { !$0.isFailover && self.isHealthy($0) }
        var turns = self.regular
        if usable.isEmpty {
            usable = self.targets.filter { $0.isFailover && self.isHealthy($0) }
            turns = self.failover
        }
        guard !usable.isEmpty else { return nil }
        if !tried.isEmpty {
            let fresh = usable.filter { !tried.contains(ObjectIdentifier($0)) }
            if !fresh.isEmpty { usable = fresh }
        }
        if usable.count == 1 { return usable[0] }
        switch self.entity.algorithm {
        case .consistentHashing:
            guard let hash = key.hash else { return turns.next(among: usable) }
            return usable.max { $0.score(hash) < $1.score(hash) }
        case .leastConnections: return self.least(usable, turns) { Double($0.health.inFlight.load(ordering: .relaxed) + 1) / Double($0.weight) }
        case .latency: return self.least(usable, turns) { Double($0.health.latency) * Double($0.health.inFlight.load(ordering: .relaxed) + 1) }
        case .stickySessions:
            if let token = key.token, let target = usable.first(where: { $0.token == token }) { return target }
            return turns.next(among: usable)
        case .roundRobin: return turns.next(among: usable)
        }
    }

    /// What checks have found; where there are none any more, what they once found counts no longer.
    private func isHealthy(_ target: Target) -> Bool { !self.isChecked || target.health.isHealthy }

    /// Kong's `healthchecks.threshold`: the share of the weight that must be healthy, in percent.
    private var isAvailable: Bool {
        let threshold = self.entity.healthChecks.threshold
        guard threshold > 0 else { return true }
        let all = self.targets.reduce(0) { $0 + $1.weight }
        let healthy = self.targets.reduce(0) { $0 + (self.isHealthy($1) ? $1.weight : 0) }
        return all > 0 && Double(healthy) * 100 >= threshold * Double(all)
    }

    private func least(_ usable: [Target], _ turns: Turns, _ value: (Target) -> Double) -> Target? {
        let values = usable.map(value)
        guard let lowest = values.min() else { return nil }
        // Equal ones take turns.
        return turns.next(among: zip(usable, values).filter { $0.1 == lowest }.map(\.0))
    }

    // MARK: Learning

    /// Counts what an attempt showed, where passive checks are on.
    func observe(_ observation: TargetHealth.Observation, of target: Target) {
        let checks = self.entity.healthChecks.passive
        target.health.observe(observation, healthy: checks.healthy, unhealthy: checks.unhealthy, kind: checks.kind, source: "passive")
    }
}

/// The targets of one kind taking turns by their weights; all loops move one counter.
private final class Turns: Sendable {
    private let order: [UpstreamGroup.Target]
    private let position = Atomic<UInt64>(0)

    init(_ all: [UpstreamGroup.Target], isFailover: Bool, slots: Int) {
        let weights = all.enumerated().filter { $0.element.isFailover == isFailover }.map { (index: $0.offset, weight: $0.element.weight) }
        self.order = SmoothWheel(weights, slots: slots).order.map { all[Int($0)] }
    }

    func next(among usable: [UpstreamGroup.Target]) -> UpstreamGroup.Target? {
        for _ in self.order.indices {
            let turn = self.position.wrappingAdd(1, ordering: .relaxed).oldValue
            let target = self.order[Int(turn % UInt64(self.order.count))]
            if usable.contains(where: { $0 === target }) { return target }
        }
        return usable.first
    }
}
