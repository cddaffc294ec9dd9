/// How a target is chosen: Kong's `balancer.algorithm`, and one of our own.
public enum BalancingAlgorithm: String, Sendable, Hashable, CaseIterable {
    case roundRobin = "round-robin"
    case consistentHashing = "consistent-hashing"
    case leastConnections = "least-connections"
    case lowestLatency = "lowest-latency"
    case lowestUsage = "lowest-usage"
    case priority
    case semantic
    /// Ours: the less busy of two targets drawn at random (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
    case powerOfTwoChoices = "power-of-two-choices"

    /// The value of `pellucid.balancer.algorithm`.
    public var name: StaticString {
        switch self {
        case .roundRobin: "round-robin"
        case .consistentHashing: "consistent-hashing"
        case .leastConnections: "least-connections"
        case .lowestLatency: "lowest-latency"
        case .lowestUsage: "lowest-usage"
        case .priority: "priority"
        case .semantic: "semantic"
        case .powerOfTwoChoices: "power-of-two-choices"
        }
    }
}

/// What counts as the latency of a target: Kong's `latency_strategy`.
public enum LatencyMeasure: String, Sendable, Hashable, CaseIterable {
    /// Time per output token.
    case perToken = "tpot"
    /// From taking the connection to the last byte.
    case endToEnd = "e2e"
}

/// What counts as the usage of a target: Kong's `tokens_count_strategy`.
public enum UsageMeasure: String, Sendable, Hashable, CaseIterable {
    case totalTokens = "total-tokens"
    case promptTokens = "prompt-tokens"
    case completionTokens = "completion-tokens"
    /// The configured prices applied to the tokens.
    case cost
    /// The distance of a judge's score from the best one.
    case accuracy = "llm-accuracy"
}

/// Cases in which another target is tried: Kong's `failover_criteria`, each with the meaning it has in nginx
/// (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream).
public struct FailoverCriteria: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Connecting, sending or reading the response's head failed.
    public static let error = FailoverCriteria(rawValue: 1 << 0)
    /// Connecting, sending or waiting for the response's head took too long.
    public static let timeout = FailoverCriteria(rawValue: 1 << 1)
    /// What came is no valid response.
    public static let invalidHeader = FailoverCriteria(rawValue: 1 << 2)
    public static let http403 = FailoverCriteria(rawValue: 1 << 3)
    public static let http404 = FailoverCriteria(rawValue: 1 << 4)
    public static let http429 = FailoverCriteria(rawValue: 1 << 5)
    public static let http500 = FailoverCriteria(rawValue: 1 << 6)
    public static let http502 = FailoverCriteria(rawValue: 1 << 7)
    public static let http503 = FailoverCriteria(rawValue: 1 << 8)
    public static let http504 = FailoverCriteria(rawValue: 1 << 9)
    /// Also requests whose method is not idempotent, although the upstream may have received them.
    public static let nonIdempotent = FailoverCriteria(rawValue: 1 << 10)
}

/// Settings of one balancer. Times are nanoseconds; 0 switches off what it limits.
public struct BalancerSettings: Sendable, Hashable {
    public var algorithm = BalancingAlgorithm.roundRobin
    /// Positions of the wheel (round-robin) or buckets of the hash table (consistent-hashing).
    public var slots = 10_000
    public var latency = LatencyMeasure.perToken
    public var usage = UsageMeasure.totalTokens
    /// Attempts after the first.
    public var retries = 5
    public var criteria: FailoverCriteria = [.error, .timeout]
    /// Unsuccessful attempts that open a target's circuit; 0: no circuit breaker.
    public var maximumFailures = 0
    public var failTimeout: UInt64 = 10_000_000_000
    public var timeouts = UpstreamTimeouts()

    // Ours: `_pellucid.balancer`.

    /// Longest time from the request's first attempt to the head of its answer.
    public var totalTimeout: UInt64 = 0
    /// Share of the requests that may be retries, in percent; nil: no budget.
    public var retryBudgetPercent: Int?
    /// Retries a second that are always allowed under a budget.
    public var retryBudgetMinimum = 10
    /// Pause before the same target is tried again; doubled each time.
    public var retryPause: UInt64 = 25_000_000
    /// How long without a new observation a latency is believed; then one request asks again.
    public var latencyDecay: UInt64 = 10_000_000_000
    /// Time in which usage counts half.
    public var usageHalfLife: UInt64 = 60_000_000_000
    /// Longest time that a target's Retry-After keeps others from it.
    public var longestRetryAfter: UInt64 = 60_000_000_000
    /// How long the first attempt may keep the head of its answer back before another target is asked as well; 0: for ever.
    public var hedgeDelay: UInt64 = 0
    /// Share of the requests that may be hedged, in percent.
    public var hedgePercent = 10
    /// Time between two active health checks of a target.
    public var healthInterval: UInt64 = 0
    /// Longest wait for the answer to one.
    public var healthTimeout: UInt64 = 1_000_000_000
    /// Seed of everything drawn at random.
    public var seed: UInt64 = 0x9E37_79B9_7F4A_7C15

    public init() {}
}
