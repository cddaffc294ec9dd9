import GatewayCore

/// `_pellucid.balancer` beside `config`: what Kong's schema has no place for. Times in milliseconds.
struct BalancerExtensions: GatewayConfiguration, Hashable {
    /// Instead of `config.balancer.algorithm`.
    let algorithm: Algorithm?
    /// From the first attempt to the head of the answer; 0: no limit.
    let totalTimeout: Int
    /// Retries as a share of the requests; nil: no budget.
    let retryBudgetPercent: Int?
    let retryBudgetMinimum: Int
    let retryPause: Int
    let latencyDecay: Int
    let usageHalfLife: Int
    let longestRetryAfter: Int
    /// A second target for slow requests; nil: none.
    let hedge: Hedge?
    /// Active health checks; nil: none.
    let health: HealthCheck?
    let split: SplitTest?
    let mirror: Mirror?

    /// `health_check`: a GET to every target; what gives no answer below 500 gets no requests.
    struct HealthCheck: GatewayConfiguration, Hashable {
        let interval: Int
        let timeout: Int
        let path: String

        init(from node: inout ConfigurationNode) {
            self.interval = node.int("interval", default: 10_000, in: 10...2_147_483_646)
            self.timeout = node.int("timeout", default: 1000, in: 1...600_000)
            self.path = node.string("path", default: "/", .nonEmpty)
            if !self.path.hasPrefix("/") { node.report("must begin with a slash", at: "path") }
        }
    }

    /// `mirror`: a share of the requests is sent to a target as well, whose answers nobody gets; the target takes no other traffic.
    struct Mirror: GatewayConfiguration, Hashable {
        let target: String
        let percent: Double

        init(from node: inout ConfigurationNode) {
            self.target = node.requiredString("target", .nonEmpty)
            self.percent = node.number("percent", default: 100, in: 0...100)
        }
    }

    /// `hedge`: a request whose first target has sent no head of an answer after `delay` also goes to another one, and the first good head wins. At most `percent` of
    /// the requests; both providers may count the tokens.
    struct Hedge: GatewayConfiguration, Hashable {
        let delay: Int
        let percent: Int

        init(from node: inout ConfigurationNode) {
            self.delay = node.requiredInt("delay", in: 1...600_000)
            self.percent = node.int("percent", default: 10, in: 1...100)
        }
    }

    enum Algorithm: String, Sendable, Hashable, CaseIterable { case powerOfTwoChoices = "power-of-two-choices" }

    private static let milliseconds = 0...2_147_483_646

    init(from node: inout ConfigurationNode) {
        self.algorithm = node.optionalChoice("algorithm")
        self.totalTimeout = node.int("total_timeout", default: 0, in: Self.milliseconds)
        let budget = node.object("retry_budget") { ($0.requiredInt("percent", in: 0...10_000), $0.int("minimum_per_second", default: 10, in: 0...1_000_000)) }
        self.retryBudgetPercent = budget?.0
        self.retryBudgetMinimum = budget?.1 ?? 10
        self.retryPause = node.int("retry_pause", default: 25, in: 0...1000)
        self.latencyDecay = node.int("latency_decay", default: 10_000, in: 1...2_147_483_646)
        self.usageHalfLife = node.int("usage_half_life", default: 60_000, in: 1...2_147_483_646)
        self.hedge = node.configuration("hedge")
        self.health = node.configuration("health_check")
        self.split = node.configuration("split")
        self.mirror = node.configuration("mirror")
        self.longestRetryAfter = node.int("longest_retry_after", default: 60_000, in: Self.milliseconds)
    }

    /// - Parameter settings: the plugin's `_pellucid:` section.
    static func decode(_ settings: DocumentNode?) throws(ConfigurationError) -> BalancerExtensions {
        try BalancerExtensions.decode(document: settings?["balancer"] ?? DocumentNode(.mapping([])), path: "_pellucid.balancer")
    }

    /// Kong's settings and ours as one.
    func applied(to balancer: AIProxyAdvancedConfiguration.Balancer) -> BalancerSettings {
        func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 }
        var settings = BalancerSettings()
        settings.algorithm = self.algorithm.flatMap { BalancingAlgorithm(rawValue: $0.rawValue) } ?? BalancingAlgorithm(rawValue: balancer.algorithm.rawValue) ?? .roundRobin
        settings.slots = balancer.slots
        settings.latency = balancer.latency
        settings.usage = balancer.usage
        settings.retries = balancer.retries
        settings.criteria = FailoverCriteria(balancer.criteria.map(\.option))
        settings.maximumFailures = balancer.maximumFailures
        settings.failTimeout = nanoseconds(balancer.failTimeout)
        settings.timeouts = UpstreamTimeouts(
            connect: nanoseconds(balancer.connectTimeout), send: nanoseconds(balancer.writeTimeout), read: nanoseconds(balancer.readTimeout))
        settings.totalTimeout = nanoseconds(self.totalTimeout)
        settings.retryBudgetPercent = self.retryBudgetPercent
        settings.retryBudgetMinimum = self.retryBudgetMinimum
        settings.retryPause = nanoseconds(self.retryPause)
        settings.latencyDecay = nanoseconds(self.latencyDecay)
        settings.usageHalfLife = nanoseconds(self.usageHalfLife)
        settings.hedgeDelay = nanoseconds(self.hedge?.delay ?? 0)
        settings.hedgePercent = self.hedge?.percent ?? 10
        settings.healthInterval = nanoseconds(self.health?.interval ?? 0)
        settings.healthTimeout = nanoseconds(self.health?.timeout ?? 1000)
        settings.longestRetryAfter = nanoseconds(self.longestRetryAfter)
        return settings
    }
}
