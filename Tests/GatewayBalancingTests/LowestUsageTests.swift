@testable import GatewayBalancing
import GatewayCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct LowestUsageTests {
    private func fixture(_ weights: [Int], _ measure: UsageMeasure = .totalTokens) -> BalancerFixture {
        BalancerFixture(weights: weights) {
            $0.algorithm = .lowestUsage
            $0.usage = measure
        }
    }

    /// Serves requests one after the other; a target's answers cost what `amount` says.
    private func run(_ fixture: BalancerFixture, _ count: Int, allowed: TargetSet? = nil, amount: (Int) -> Int64) -> [Int64] {
        var query = fixture.query()
        if let allowed { query.allowed = allowed }
        var used = [Int64](repeating: 0, count: fixture.balancer.targets.count)
        for _ in 0..<count {
            guard let target = fixture.balancer.choose(query, tried: TargetSet(), now: fixture.now)?.target else { continue }
            used[target] += amount(target)
            fixture.end(target, startedAt: fixture.now, tokens: amount(target))
            fixture.advance(seconds: 0.01)
        }
        return used
    }

    @Test func `tokens even out although answers differ in length`() {
        let used = self.run(self.fixture([100, 100]), 3000) { $0 == 0 ? 1000 : 100 }
        #expect(abs(Double(used[0]) / Double(used[1]) - 1) < 0.1, "\(used)")
    }

    @Test func `usage follows the weights`() {
        let used = self.run(self.fixture([300, 100]), 4000) { _ in 100 }
        #expect(abs(Double(used[0]) / Double(used[1]) - 3) < 0.2, "\(used)")
    }

    @Test(arguments: [(UsageMeasure.totalTokens, 101.0), (.promptTokens, 50), (.completionTokens, 51), (.cost, 0.25)])
    func `each strategy counts its own`(measure: UsageMeasure, expected: Double) {
        let fixture = self.fixture([1], measure)
        _ = fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now)
        fixture.end(0, startedAt: fixture.now, tokens: 101, cost: 0.25)
        #expect(fixture.balancer.cells[0].usage.real == expected)
    }

    @Test func `requests under way count before they report`() {
        let fixture = self.fixture([1, 1, 1, 1])
        _ = self.run(fixture, 40) { _ in 100 }
        var held = [0, 0, 0, 0]
        for _ in 0..<40 { held[fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now)?.target ?? 0] += 1 }
        #expect(held.allSatisfy { $0 >= 8 && $0 <= 12 }, "\(held)")
    }

    @Test func `a target that comes back does not get everything`() {
        let fixture = self.fixture([1, 1, 1])
        _ = self.run(fixture, 5000, allowed: TargetSet([0, 1])) { _ in 100 }
        fixture.advance(seconds: 60)
        let used = self.run(fixture, 300) { _ in 100 }
        #expect(used[2] > 0)
        #expect(Double(used[2]) / Double(used.reduce(0, +)) < 0.5, "\(used)")
    }

    @Test func `usage of long ago counts no more`() {
        let fixture = self.fixture([1])
        _ = self.run(fixture, 1) { _ in 800 }
        fixture.advance(seconds: 60)
        #expect(abs(LowestUsage(cells: fixture.balancer.cells, weights: [1], measure: .totalTokens, halfLife: 60_000_000_000).used(0, now: fixture.now) - 400) < 1)
    }

    // MARK: llm-accuracy

    @Test func `the best judged target is taken, the others sometimes`() {
        let fixture = self.fixture([1, 1, 1], .accuracy)
        for (target, score) in [(0, 40.0), (1, 90), (2, 70)] {
            for _ in 0..<20 { fixture.balancer.scored(target, score, now: fixture.now) }
        }
        let counts = fixture.counts(10_000) { _ in nil }
        #expect(Double(counts[1]) / 10_000 > 0.93)
        #expect(counts[0] > 50 && counts[2] > 50)
    }

    @Test func `a score outside the scale is none`() {
        let fixture = self.fixture([1], .accuracy)
        for score in [0.0, -5, 101, .infinity] { fixture.balancer.scored(0, score, now: fixture.now) }
        #expect(fixture.balancer.cells[0].scores.load(ordering: .relaxed) == 0)
    }

    @Test func `unjudged targets are asked first, but never by many at once`() {
        let fixture = self.fixture([1, 1], .accuracy)
        fixture.balancer.scored(0, 80, now: fixture.now)
        var held = [0, 0]
        for _ in 0..<100 { held[fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now)?.target ?? 0] += 1 }
        #expect(held[1] >= 4 && held[1] <= 15, "\(held)")
    }
}
