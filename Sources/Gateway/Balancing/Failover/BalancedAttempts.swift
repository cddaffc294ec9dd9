import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Directs the attempts of one request by a balancer: which target, whether again, and when it is enough. Lives on the request's loop.
final class BalancedAttempts: AttemptDirector {
    private let balancer: Balancer
    private let query: BalancerQuery
    /// Nil once nothing will be planned any more.
    private var planner: (any TargetPlanner)?
    private var tried = TargetSet()
    /// Targets that cannot serve this request, whatever their health.
    private var refused = TargetSet()
    private var refusal: Rejection?
    private var attempts = 0
    private var repeats = 0
    private var startedAt: UInt64 = 0
    /// The attempts under way.
    private var under = UnderWay()
    private var last: Failure?

    private struct Current {
        let target: Int
        var criterion: FailoverCriteria?
        var retryAfter: UInt64 = 0
    }

    /// One attempt, or two that race.
    private struct UnderWay {
        private(set) var first: Current?
        private(set) var second: Current?

        var isEmpty: Bool { self.first == nil }
        /// The latest one.
        var last: Current? { self.second ?? self.first }

        mutating func begin(_ current: Current) { if self.first == nil { self.first = current } else { self.second = current } }

        mutating func update(_ target: Int, _ change: (inout Current) -> Void) {
            if var current = self.first, current.target == target {
                change(&current)
                self.first = current
            } else if var current = self.second, current.target == target {
                change(&current)
                self.second = current
            }
        }

        /// Ends the attempt at a target; nil: there is none.
        mutating func end(_ target: Int) -> Current? {
            if let current = self.first, current.target == target {
                self.first = self.second.take()
                return current
            }
            guard let current = self.second, current.target == target else { return nil }
            self.second = nil
            return current
        }
    }

    private struct Failure {
        let criterion: FailoverCriteria?
        let wasSent: Bool
    }

    /// Longest answer that is held back until it is known to be valid JSON.
    static let documentLimit = 8 << 20
    /// Longest pause before a repeated attempt.
    static let longestPause: UInt64 = 1_000_000_000

    init(_ balancer: Balancer, _ query: BalancerQuery, _ planner: any TargetPlanner) {
        self.balancer = balancer
        self.query = query
        self.planner = planner
    }

    deinit {
        guard !self.under.isEmpty else { return }
        let now = MonotonicClock.now()
        for current in [self.under.first, self.under.second] {
            guard let current else { continue }
            self.balancer.ended(AttemptReport(target: current.target, ending: .cancelled, status: 0, startedAt: now, endedAt: now), criterion: nil, retryAfter: 0)
        }
    }

    private var settings: BalancerSettings { self.balancer.settings }

    // MARK: Next

    func next(_ request: borrowing GatewayRequest, now: UInt64) -> AttemptDirection {
        if self.attempts == 0 {
            self.startedAt = now
            self.balancer.budget?.request(now: now)
            self.balancer.hedges?.request(now: now)
        } else {
            guard self.allowsAnother(after: self.last, now: now), self.balancer.budget?.take() ?? true else { return .stop }
        }
        return self.chosen(request, now: now)
    }

    var hedgeDelay: UInt64 { self.settings.hedgeDelay }

    func hedge(_ request: borrowing GatewayRequest, now: UInt64) -> DirectedAttempt? {
        guard let planner = self.planner, !self.under.isEmpty, self.balancer.hedges?.hasRetry == true else { return nil }
        if self.settings.totalTimeout > 0, now &- self.startedAt >= self.settings.totalTimeout { return nil }
        var query = self.query
        query.allowed = query.allowed.subtracting(self.refused).subtracting(self.tried)
        while let choice = self.balancer.choose(query, tried: self.tried, now: now) {
            if case .planned(let plan, let body, let fields) = planner.plan(choice.target, attempt: self.attempts + 1, request), self.balancer.hedges?.take() == true {
                return self.attempt(choice, plan, body, fields, reason: "hedge", now: now)
            }
            self.balancer.ended(AttemptReport(target: choice.target, ending: .cancelled, status: 0, startedAt: now, endedAt: now), criterion: nil, retryAfter: 0)
            query.allowed.remove(choice.target)
        }
        return nil
    }

    private func chosen(_ request: borrowing GatewayRequest, now: UInt64) -> AttemptDirection {
        while let planner = self.planner {
            var query = self.query
            if !self.refused.isEmpty { query.allowed = query.allowed.subtracting(self.refused) }
            guard let choice = self.balancer.choose(query, tried: self.tried, now: now) else { break }
            switch planner.plan(choice.target, attempt: self.attempts + 1, request) {
            case .refused(let rejection):
                self.balancer.ended(
                    AttemptReport(target: choice.target, ending: .cancelled, status: 0, startedAt: now, endedAt: now), criterion: nil, retryAfter: 0)
                self.refused.insert(choice.target)
                if self.refusal == nil { self.refusal = rejection }
            case .planned(let plan, let body, let fields):
                return .attempt(self.attempt(choice, plan, body, fields, now: now))
            }
        }
        if self.attempts > 0 { return .stop }
        if let refusal { return .refuse(refusal) }
        return .unavailable(skipped: self.balancer.reasons(against: self.query.allowed.subtracting(self.refused), now: now))
    }

    private func attempt(
        _ choice: Balancer.Choice, _ plan: ModelPlan, _ body: ByteBuffer, _ fields: [(name: String, value: String)], reason: StaticString? = nil, now: UInt64
    ) -> DirectedAttempt {
        self.attempts += 1
        self.tried.insert(choice.target)
        self.under.begin(Current(target: choice.target))
        var pause: UInt64 = 0
        if choice.isRepeat {
            pause = min(self.settings.retryPause << UInt64(min(self.repeats, 6)), BalancedAttempts.longestPause)
            // Requests that failed together must not come back together.
            pause = pause / 2 &+ Mixer.mix(now ^ self.query.hash) % (pause / 2 &+ 1)
            self.repeats += 1
            pause = max(pause, choice.wait)
        }
        let note = SelectionNote(
            algorithm: self.settings.algorithm.name, target: self.balancer.targets[choice.target].name, candidates: choice.candidates, reason: reason ?? choice.reason,
            skipped: choice.skipped)
        return DirectedAttempt(
            target: choice.target, plan: plan, body: body, responseFields: fields, timeouts: self.timeouts(now: now), pause: pause, note: note)
    }

    /// The configured timeouts, none longer than what is left of the whole.
    private func timeouts(now: UInt64) -> UpstreamTimeouts {
        var timeouts = self.settings.timeouts
        guard self.settings.totalTimeout > 0 else { return timeouts }
        let elapsed = now &- self.startedAt
        let left = elapsed < self.settings.totalTimeout ? max(self.settings.totalTimeout - elapsed, 1_000_000) : 1_000_000
        timeouts.connect = min(timeouts.connect, left)
        timeouts.send = min(timeouts.send, left)
        timeouts.read = min(timeouts.read, left)
        return timeouts
    }

    private func allowsAnother(after failure: Failure?, now: UInt64) -> Bool {
        guard let failure, let criterion = failure.criterion, self.attempts <= self.settings.retries else { return false }
        guard self.balancer.policy.allows(criterion, wasSent: failure.wasSent, isIdempotent: self.query.isIdempotent) else { return false }
        if self.settings.totalTimeout > 0, now &- self.startedAt >= self.settings.totalTimeout { return false }
        return true
    }

    /// Whether another attempt would be made if this one were declined now.
    private func couldTryAnother(_ criterion: FailoverCriteria, now: UInt64) -> Bool {
        guard self.planner != nil, self.allowsAnother(after: Failure(criterion: criterion, wasSent: true), now: now) else { return false }
        guard self.balancer.budget?.hasRetry ?? true else { return false }
        let current = self.under.last.map { (target: $0.target, retryAfter: $0.retryAfter) }
        return self.balancer.hasTarget(
            self.query.allowed.subtracting(self.refused), tried: self.tried, current: current, failed: self.balancer.policy.isUnsuccessful(criterion), now: now)
    }

    // MARK: Judging

    func judge(_ head: HTTPResponseHead, _ attempt: DirectedAttempt, now: UInt64) -> HeadJudgement {
        let kind = attempt.plan.adapter.classify(status: head.status)
        if let criterion = FailoverPolicy.criterion(ofStatus: head.status, kind) {
            self.under.update(attempt.target) { current in
                current.criterion = criterion
                if kind == .rateLimited || kind == .overloaded { current.retryAfter = RetryAfter.nanoseconds(head.fields) ?? 0 }
            }
            return self.couldTryAnother(criterion, now: now) ? .decline(code: FailoverPolicy.code(of: criterion)) : .pass
        }
        // 101: what follows is no content, and is spoken by both sides.
        guard 200..<300 ~= head.status else { return .pass }
        if BalancedAttempts.isStream(head, attempt.plan) { return self.couldTryAnother(.error, now: now) || self.couldTryAnother(.timeout, now: now) ? .firstBytes : .pass }
        // A coded answer was not asked for and cannot be looked into.
        guard !head.fields.contains(.contentEncoding), self.couldTryAnother(.invalidHeader, now: now) else { return .pass }
        return .document(limit: BalancedAttempts.documentLimit)
    }

    /// Whether events follow: server-sent ones, or those of a provider with a framing of its own.
    private static func isStream(_ head: HTTPResponseHead, _ plan: ModelPlan) -> Bool {
        head.fields.hasValue(.contentType, prefix: "text/event-stream") || (plan.isStream && !head.fields.hasValue(.contentType, prefix: "application/json"))
    }

    func settled() { self.planner = nil }

    // MARK: The end of an attempt

    func ended(_ report: AttemptReport) {
        guard let current = self.under.end(report.target) else { return }
        var criterion = current.criterion
        var wasSent = true
        switch report.ending {
        case .failed(let failure):
            criterion = FailoverPolicy.criterion(of: failure)
            wasSent = !failure.isBeforeSend
        case .served: break
        case .broken: criterion = .error
        case .cancelled: criterion = nil
        }
        self.balancer.ended(report, criterion: criterion, retryAfter: current.retryAfter)
        // The loser of a race decides nothing: its rival is still to answer.
        guard self.under.isEmpty else { return }
        if case .failed = report.ending { self.last = Failure(criterion: criterion, wasSent: wasSent) } else { self.planner = nil }
    }
}
