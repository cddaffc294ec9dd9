internal import Telemetry

/// Where a request's time went, so that the parts add up to the whole: `wall = stages + upstream + other`.
struct LatencyBudget: Equatable {
    /// From the first byte of the request to the last of the response, nanoseconds.
    let wall: UInt64
    /// Own time of the stages. A stage that waits for an outside service counts that as its own.
    let stages: UInt64
    /// Within the upstream intervals and in no stage.
    let upstream: UInt64
    /// The rest: parsing, routing, queues, writing.
    let other: UInt64

    init(_ evidence: EvidenceView) {
        let root = evidence.root
        let wall = root.endMonotonic > root.startMonotonic ? root.endMonotonic &- root.startMonotonic : 0
        var attempts: [(start: UInt64, end: UInt64)] = []
        for scope in evidence.scopes where scope.kind == .attempt { attempts.append((scope.start, scope.end)) }
        var stages: UInt64 = 0
        var inside: UInt64 = 0
        for scope in evidence.scopes where scope.kind == .stage {
            // Stages run one at a time on the request's loop; what is cut off at the end cannot be more than the whole.
            let busy = min(scope.busy, wall &- min(wall, stages))
            stages &+= busy
            guard let attempt = attempts.first(where: { scope.start >= $0.start && scope.start < $0.end }) else { continue }
            // A stage of a stream may end after the upstream has: what it did with the last of the answer is not within the interval.
            let after = scope.end > attempt.end ? scope.end &- attempt.end : 0
            inside &+= busy > after ? busy &- after : 0
        }
        let interval = min(root.upstreamNanoseconds, wall)
        self.wall = wall
        self.stages = stages
        // What a stage did while the answer was coming in is the stage's.
        self.upstream = min(interval > inside ? interval &- inside : 0, wall &- stages)
        self.other = wall &- stages &- self.upstream
    }
}
