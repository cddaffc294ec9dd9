import GatewayCore
import GatewayWire

/// Directs a request that is mirrored: what comes of its own attempts is recorded beside what comes of the copy.
final class MirroredAttempts: AttemptDirector {
    private let base: any AttemptDirector
    private let balancers: any BalancerDirectory
    private let pluginID: String
    private let names: [String]
    /// The copy; nil once it is sent. Sent with the first attempt, since a stage in shadow mode directs nothing.
    private var copy: MirroredCopy?

    init(_ base: any AttemptDirector, _ balancers: any BalancerDirectory, names: [String], copy: MirroredCopy) {
        self.base = base
        self.copy = copy
        self.balancers = balancers
        self.pluginID = copy.pluginID
        self.names = names
    }

    func next(_ request: borrowing GatewayRequest, now: UInt64) -> AttemptDirection {
        if let copy {
            self.copy = nil
            self.balancers.mirror(copy)
        }
        return self.base.next(request, now: now)
    }

    var hedgeDelay: UInt64 { self.base.hedgeDelay }
    func hedge(_ request: borrowing GatewayRequest, now: UInt64) -> DirectedAttempt? { self.base.hedge(request, now: now) }

    func judge(_ head: HTTPResponseHead, _ attempt: DirectedAttempt, now: UInt64) -> HeadJudgement { self.base.judge(head, attempt, now: now) }
    func settled() { self.base.settled() }

    func ended(_ report: AttemptReport) {
        let failure: String
        switch report.ending {
        case .served: failure = report.status >= 400 ? "\(report.status)" : ""
        case .failed(let error), .broken(let error): failure = "\(error.code)"
        case .cancelled: failure = "cancelled"
        }
        self.balancers.compared(
            MirroredOutcome(pluginID: self.pluginID, target: self.names[report.target], isCopy: false, failure: failure, nanoseconds: report.endedAt &- report.startedAt))
        self.base.ended(report)
    }
}
