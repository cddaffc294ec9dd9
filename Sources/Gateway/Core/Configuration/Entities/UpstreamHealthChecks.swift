/// Active probes and passive circuit breakers of an upstream. Fields and defaults: Kong 3.15 `upstreams.healthchecks`.
public struct UpstreamHealthChecks: GatewayConfiguration, Hashable {
    /// Probes the gateway sends.
    public let active: Active
    /// Judgement from the traffic itself.
    public let passive: Passive
    /// Percentage of weight that must be healthy for the upstream to be; 0 to 100, default 0.
    public let threshold: Double

    /// Whether anything can take a target out of service.
    public var isOn: Bool {
        let (active, passive) = (self.active, self.passive.unhealthy)
        return active.healthy.intervalSeconds > 0 || active.unhealthy.intervalSeconds > 0 || passive.tcpFailures > 0 || passive.timeouts > 0 || passive.httpFailures > 0
    }

    public enum Kind: String, Sendable, Hashable, CaseIterable { case http, https, tcp, grpc, grpcs }

    /// What makes a target healthy or unhealthy.
    public struct Criteria: Sendable, Hashable {
        public let statuses: [Int]
        /// Successes that make it healthy; 0 is off.
        public let successes: Int
        /// Connection failures that make it unhealthy; 0 is off.
        public let tcpFailures: Int
        /// Timeouts that make it unhealthy; 0 is off.
        public let timeouts: Int
        /// Responses of `statuses` that make it unhealthy; 0 is off.
        public let httpFailures: Int
        /// Seconds between probes; 0 is off. Active only.
        public let intervalSeconds: Double
    }

    public struct Active: Sendable, Hashable {
        public let kind: Kind
        /// Seconds one probe may take. Default 1.
        public let timeoutSeconds: Double
        /// Probes at once. Default 10.
        public let concurrency: Int
        public let httpPath: String
        public let serverName: String?
        public let verifiesCertificate: Bool
        public let headers: [String: [String]]
        public let healthy: Criteria
        public let unhealthy: Criteria
    }

    public struct Passive: Sendable, Hashable {
        public let kind: Kind
        public let healthy: Criteria
        public let unhealthy: Criteria
    }

    public init(from node: inout ConfigurationNode) {
        self.active = node.objectOrDefaults("active") { Self.active(&$0) }
        self.passive = node.objectOrDefaults("passive") { Self.passive(&$0) }
        self.threshold = node.number("threshold", default: 0, in: 0...100)
    }

    private static func active(_ node: inout ConfigurationNode) -> Active {
        Active(
            kind: node.choice("type", default: .http),
            timeoutSeconds: node.number("timeout", default: 1, in: 0...65_535),
            concurrency: node.int("concurrency", default: 10, in: 1...2_147_483_648),
            httpPath: node.string("http_path", default: "/", .path),
            serverName: node.optionalString("https_sni", .serverName),
            verifiesCertificate: node.bool("https_verify_certificate", default: true),
            headers: node.optionalStringListMap("headers", keys: [.headerName]) ?? [:],
            healthy: node.objectOrDefaults("healthy") { node in
                Self.healthy(&node, [200, 302], isActive: true)
            },
            unhealthy: node.objectOrDefaults("unhealthy") { node in
                Self.unhealthy(&node, [429, 404, 500, 501, 502, 503, 504, 505], isActive: true)
            })
    }

    private static func passive(_ node: inout ConfigurationNode) -> Passive {
        Passive(
            kind: node.choice("type", default: .http),
            healthy: node.objectOrDefaults("healthy") { node in
                Self.healthy(&node, Array(200...208) + [226] + Array(300...308), isActive: false)
            },
            unhealthy: node.objectOrDefaults("unhealthy") { node in
                Self.unhealthy(&node, [429, 500, 503], isActive: false)
            })
    }

    private static func healthy(_ node: inout ConfigurationNode, _ statuses: [Int], isActive: Bool) -> Criteria {
        Criteria(
            statuses: node.ints("http_statuses", default: statuses, in: 100...999), successes: node.int("successes", default: 0, in: 0...255),
            tcpFailures: 0, timeouts: 0, httpFailures: 0,
            intervalSeconds: isActive ? node.number("interval", default: 0, in: 0...65_535) : 0)
    }

    private static func unhealthy(_ node: inout ConfigurationNode, _ statuses: [Int], isActive: Bool) -> Criteria {
        Criteria(
            statuses: node.ints("http_statuses", default: statuses, in: 100...999), successes: 0,
            tcpFailures: node.int("tcp_failures", default: 0, in: 0...255), timeouts: node.int("timeouts", default: 0, in: 0...255),
            httpFailures: node.int("http_failures", default: 0, in: 0...255),
            intervalSeconds: isActive ? node.number("interval", default: 0, in: 0...65_535) : 0)
    }
}
