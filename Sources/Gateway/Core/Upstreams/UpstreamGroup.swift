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
            self.seed = KeyHash.of("\(endpoint.host):\(endpoint.port)")
            self.token = String(self.seed, radix: 16)
        }
    }

    public let entity: UpstreamEntity
    public let targets: [Target]
    private let regular: Wheel
    private let failover: Wheel

    /// - Parameter entities: of this upstream; weight 0 takes none of the traffic.
    init(_ entity: UpstreamEntity, _ entities: [TargetEntity], service: ServiceEntity, tls: UpstreamTLSOptions?, store: UpstreamHealthStore) {
        self.entity = entity
        self.targets = entities.filter { $0.weight > 0 }.map { target in
            let (host, port) = UpstreamGroup.split(target.target)
            // Numeric targets are asked for by the name that the service's clients know.
            let name = UpstreamEndpoint.isNumeric(host) ? entity.hostHeader.map { UpstreamGroup.split($0).host } : nil
            return Target(
                endpoint: UpstreamEndpoint(
                    host: host, port: port, isTLS: service.protocol.isSecure, serverName: name, verifiesCertificate: service.verifiesTLS ?? true, tls: tls),
                weight: target.weight, isFailover: target.isFailover, health: store.health(upstream: entity.name, target: target.target))
        }
        self.regular = Wheel(self.targets, isFailover: false, slots: entity.slots)
        self.failover = Wheel(self.targets, isFailover: true, slots: entity.slots)
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
        var usable = self.targets.filter { !$0.isFailover && $0.health.isHealthy }
        var wheel = self.regular
        if usable.isEmpty {
            usable = self.targets.filter { $0.isFailover && $0.health.isHealthy }
            wheel = self.failover
        }
        guard !usable.isEmpty else { return nil }
        if !tried.isEmpty {
            let fresh = usable.filter { !tried.contains(ObjectIdentifier($0)) }
            if !fresh.isEmpty { usable = fresh }
        }
        if usable.count == 1 { return usable[0] }
        switch self.entity.algorithm {
        case .consistentHashing:
            guard let hash = key.hash else { return wheel.next(among: usable) }
            return usable.max { UpstreamGroup.score($0, hash) < UpstreamGroup.score($1, hash) }
        case .leastConnections: return self.least(usable, wheel) { Double($0.health.inFlight.load(ordering: .relaxed) + 1) / Double($0.weight) }
        case .latency: return self.least(usable, wheel) { Double($0.health.latency) * Double($0.health.inFlight.load(ordering: .relaxed) + 1) }
        case .stickySessions:
            if let token = key.token, let target = usable.first(where: { $0.token == token }) { return target }
            return wheel.next(among: usable)
        case .roundRobin: return wheel.next(among: usable)
        }
    }

    /// Kong's `healthchecks.threshold`: the share of the weight that must be healthy, in percent.
    private var isAvailable: Bool {
        let threshold = self.entity.healthChecks.threshold
        guard threshold > 0 else { return true }
        let all = self.targets.reduce(0) { $0 + $1.weight }
        let healthy = self.targets.reduce(0) { $0 + ($1.health.isHealthy ? $1.weight : 0) }
        return all > 0 && Double(healthy) * 100 >= threshold * Double(all)
    }

    private func least(_ usable: [Target], _ wheel: Wheel, _ value: (Target) -> Double) -> Target? {
        let values = usable.map(value)
        guard let lowest = values.min() else { return nil }
        // Equal ones take turns.
        return wheel.next(among: zip(usable, values).filter { $0.1 == lowest }.map(\.0))
    }

    /// Weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): a target that comes or goes moves no key between the others.
    private static func score(_ target: Target, _ hash: UInt64) -> Double {
        let drawn = (Double(KeyHash.mix(target.seed ^ hash) >> 11) + 0.5) / 9_007_199_254_740_992
        return -Double(target.weight) / Logarithm.natural(drawn)
    }

    // MARK: Learning

    /// Counts what an attempt showed, where passive checks are on.
    func observe(_ observation: TargetHealth.Observation, of target: Target) {
        let checks = self.entity.healthChecks.passive
        target.health.observe(observation, healthy: checks.healthy, unhealthy: checks.unhealthy, kind: checks.kind, source: "passive")
    }
}

/// Targets in an order that gives each its share, evenly spread: nginx' smooth weighted round robin, turned once ahead.
private final class Wheel: Sendable {
    private let order: [UpstreamGroup.Target]
    private let position = Atomic<UInt64>(0)

    init(_ all: [UpstreamGroup.Target], isFailover: Bool, slots: Int) {
        let targets = all.filter { $0.isFailover == isFailover }
        var divisor = targets.reduce(0) { Wheel.greatestDivisor($0, $1.weight) }
        // More turns than slots: shares are rounded, and nobody to nothing.
        let total = targets.reduce(0) { $0 + $1.weight }
        if divisor > 0, total / divisor > slots { divisor = (total + slots - 1) / slots }
        let weights = targets.map { max(1, $0.weight / max(1, divisor)) }
        var order: [UpstreamGroup.Target] = []
        var current = [Int](repeating: 0, count: targets.count)
        let turns = weights.reduce(0, +)
        for _ in 0..<turns {
            var best = 0
            for index in current.indices {
                current[index] += weights[index]
                if current[index] > current[best] { best = index }
            }
            current[best] -= turns
            order.append(targets[best])
        }
        self.order = order
    }

    func next(among usable: [UpstreamGroup.Target]) -> UpstreamGroup.Target? {
        guard !self.order.isEmpty else { return usable.first }
        for _ in self.order.indices {
            let turn = self.position.wrappingAdd(1, ordering: .relaxed).oldValue
            let target = self.order[Int(turn % UInt64(self.order.count))]
            if usable.contains(where: { $0 === target }) { return target }
        }
        return usable.first
    }

    private static func greatestDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestDivisor(b, a % b) }
}

/// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), finished by SplitMix64's mixer: the same in every process.
enum KeyHash {
    static func of(_ text: String) -> UInt64 { self.of(text.utf8) }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return self.mix(sum)
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
