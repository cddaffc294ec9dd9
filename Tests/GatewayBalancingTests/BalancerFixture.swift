@testable import GatewayBalancing
import GatewayCore
import Synchronization
import Telemetry
import TelemetryTestSupport

/// A balancer under a clock that only the test moves.
final class BalancerFixture {
    let balancer: Balancer
    /// Nanoseconds; begins far from 0, which means never.
    var now: UInt64 = 1_000_000_000_000

    init(weights: [Int], _ change: (inout BalancerSettings) -> Void = { _ in }) {
        var settings = BalancerSettings()
        change(&settings)
        let targets = weights.enumerated().map { BalancedTarget(key: "target-\($0)", name: "t\($0)", weight: $1) }
        self.balancer = Balancer(targets: targets, settings: settings, cells: weights.map { _ in TargetCells() })
    }

    func query(hash: UInt64 = 0) -> BalancerQuery { BalancerQuery(allowed: TargetSet(first: self.balancer.targets.count), hash: hash) }

    func advance(seconds: Double) { self.now += UInt64(seconds * 1e9) }

    /// Chooses and ends at once, well.
    @discardableResult
    func serve(_ query: BalancerQuery? = nil, seconds: Double = 0, tried: TargetSet = TargetSet()) -> Int? {
        guard let choice = self.balancer.choose(query ?? self.query(), tried: tried, now: self.now) else { return nil }
        self.end(choice.target, startedAt: self.now, seconds: seconds)
        return choice.target
    }

    func end(_ target: Int, startedAt: UInt64, seconds: Double = 0, status: Int = 200, criterion: FailoverCriteria? = nil, tokens: Int64 = 0, cost: Double = 0) {
        var report = AttemptReport(target: target, ending: .served, status: status, startedAt: startedAt, endedAt: startedAt + UInt64(seconds * 1e9))
        report.usage.input = tokens / 2
        report.usage.output = tokens - tokens / 2
        report.usage.source = tokens > 0 ? .providerReported : .none
        report.cost = cost
        self.balancer.ended(report, criterion: criterion, retryAfter: 0)
    }

    func fail(_ target: Int, _ criterion: FailoverCriteria = .error) {
        let report = AttemptReport(target: target, ending: .failed(.connectRefused), status: 0, startedAt: self.now, endedAt: self.now)
        self.balancer.cells[target].inFlight.wrappingAdd(1, ordering: .relaxed)
        self.balancer.ended(report, criterion: criterion, retryAfter: 0)
    }

    /// How often each target is chosen in so many requests.
    func counts(_ requests: Int, _ query: (Int) -> BalancerQuery?) -> [Int] {
        var counts = [Int](repeating: 0, count: self.balancer.targets.count)
        for request in 0..<requests {
            if let target = self.serve(query(request)) { counts[target] += 1 }
        }
        return counts
    }
}

/// Pearson's chi-square test of goodness of fit.
enum ChiSquare {
    /// Whether counts fit weights at the 0.1 % level; for up to 30 degrees of freedom.
    static func fits(_ counts: [Int], weights: [Int]) -> Bool {
        let total = Double(counts.reduce(0, +))
        let sum = Double(weights.reduce(0, +))
        var statistic = 0.0
        for (count, weight) in zip(counts, weights) {
            let expected = total * Double(weight) / sum
            statistic += (Double(count) - expected) * (Double(count) - expected) / expected
        }
        // Wilson and Hilferty's approximation of the quantile.
        let degrees = Double(counts.count - 1)
        let root = 1 - 2 / (9 * degrees) + 3.09 * (2 / (9 * degrees)).squareRoot()
        return statistic <= degrees * root * root * root
    }
}
