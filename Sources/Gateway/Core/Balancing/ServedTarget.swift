import Synchronization

/// Which target of a balancer serves a request, for stages that judge the answer. Left with the request's notes under ``noteID``.
public final class ServedTarget: Sendable {
    public static let noteID = "pellucid.balancer.served"
    private let balancer: any TargetBalancer
    private let current = Atomic<Int>(-1)

    public init(_ balancer: any TargetBalancer) { self.balancer = balancer }

    /// An attempt goes to a target.
    public func set(_ target: Int) { self.current.store(target, ordering: .relaxed) }

    /// A judge's score of the answer, 1 to 100.
    public func scored(_ score: Double, now: UInt64) {
        let target = self.current.load(ordering: .relaxed)
        if target >= 0 { self.balancer.scored(target, score, now: now) }
    }
}
