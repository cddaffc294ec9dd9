public import Telemetry

/// A configured target as a balancer sees it.
public struct BalancedTarget: Sendable, Hashable {
    /// What makes it the same target after a reload: its state is kept under this.
    public let key: String
    /// What spans, metrics and the audit line call it.
    public let name: String
    /// 1...65535; for `priority` also its group, highest first.
    public let weight: Int
    /// What active health checks ask; nil: nothing.
    public let probe: HealthProbe?

    public init(key: String, name: String, weight: Int, probe: HealthProbe? = nil) {
        self.key = key
        self.name = name
        self.weight = weight
        self.probe = probe
    }
}

/// Where a target is asked whether it is alive.
public struct HealthProbe: Sendable, Hashable {
    public let url: String
    public let verifiesTLS: Bool

    public init(url: String, verifiesTLS: Bool) {
        self.url = url
        self.verifiesTLS = verifiesTLS
    }
}

/// What of one request matters for choosing.
public struct BalancerQuery: Sendable {
    /// Targets that may serve the request at all (ACLs, model names, groups of an experiment).
    public var allowed: TargetSet
    /// What consistent hashing hashes.
    public var hash: UInt64
    /// Semantic matches, best first; targets with the same description stand together.
    public var ranking: [TargetSet] = []
    /// Why the first of `ranking` is first.
    public var rankingReason: StaticString = "best_match"
    /// Targets taken while one of them is in service: the group of an experiment; nil: all alike.
    public var preferred: TargetSet?
    /// Whether the request may be sent again although an upstream received it (RFC 9110 section 9.2.2).
    public var isIdempotent = false

    public init(allowed: TargetSet, hash: UInt64) {
        self.allowed = allowed
        self.hash = hash
    }
}

/// Chooses targets for the requests of one configured instance and learns from how they end. Shared by all loops, without locks on the path; outlives
/// configuration snapshots as long as one of them uses it.
public protocol TargetBalancer: AnyObject, Sendable {
    /// What directs the attempts of one request.
    func director(_ query: BalancerQuery, _ planner: any TargetPlanner) -> any AttemptDirector
    /// A judge's score of an answer of a target, 1 (worst) to 100 (best); for `lowest-usage` by `llm-accuracy`.
    func scored(_ target: Int, _ score: Double, now: UInt64)
}

/// Where balancers come from. In memory they share atomics; one that keeps its counters in a shared store (Redis) gives balancers that read local
/// copies on the path and reconcile them beside it.
public protocol BalancerDirectory: Sendable {
    /// The balancer of a configured instance, the same as long as id and settings are.
    func balancer(id: String, targets: [BalancedTarget], settings: BalancerSettings) -> any TargetBalancer
    /// Sends a copy of a request to a target beside the path. Its answer is read, measured and thrown away; the client never waits for it.
    func mirror(_ copy: MirroredCopy)
    /// Records what came of a mirrored request, for comparison with its copy.
    func compared(_ outcome: MirroredOutcome)
}

/// The copy of a request, on its way to a target whose answer nobody gets.
public struct MirroredCopy: Sendable {
    public let plan: ModelPlan
    public let call: HTTPCall
    public let pluginID: String
    public let target: String
    /// The span that the copy's own span stands under: of the stage that mirrors.
    public let parent: TraceContext

    public init(plan: ModelPlan, call: HTTPCall, pluginID: String, target: String, parent: TraceContext) {
        self.plan = plan
        self.call = call
        self.pluginID = pluginID
        self.target = target
        self.parent = parent
    }
}

/// What came of a mirrored request or of its copy.
public struct MirroredOutcome: Sendable {
    public let pluginID: String
    public let target: String
    public let isCopy: Bool
    /// A status of 400 and above, or the code of a failure; empty: none.
    public let failure: String
    public let nanoseconds: UInt64

    public init(pluginID: String, target: String, isCopy: Bool, failure: String, nanoseconds: UInt64) {
        self.pluginID = pluginID
        self.target = target
        self.isCopy = isCopy
        self.failure = failure
        self.nanoseconds = nanoseconds
    }
}
