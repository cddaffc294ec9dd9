@testable import GatewayBalancing
import GatewayCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct DistributionTests {
    @Test func `the test of distributions itself tells them apart`() {
        #expect(ChiSquare.fits([700, 250, 50], weights: [70, 25, 5]))
        #expect(!ChiSquare.fits([600, 350, 50], weights: [70, 25, 5]))
    }

    // MARK: round-robin

    @Test(arguments: [[1], [1, 1, 1], [70, 25, 5], [100, 100], [1, 65_535], [7, 11, 13, 17]])
    func `one turn of the rotation gives every target exactly its weight`(weights: [Int]) {
        let fixture = BalancerFixture(weights: weights) { $0.slots = 65_536 }
        let divisor = weights.reduce(0) { a, b in
            var (x, y) = (a, b)
            while y != 0 { (x, y) = (y, x % y) }
            return x
        }
        let turn = weights.reduce(0, +) / divisor
        #expect(fixture.counts(turn) { _ in nil } == weights.map { $0 / divisor })
    }

    @Test func `the rotation spreads a target's turns`() {
        let fixture = BalancerFixture(weights: [5, 1, 1])
        var order: [Int] = []
        for _ in 0..<7 { order.append(fixture.serve() ?? -1) }
        // nginx' own example of the smooth algorithm.
        #expect(order == [0, 0, 1, 0, 2, 0, 0])
    }

    @Test func `weights beyond the slots are rounded, none to nothing`() {
        let fixture = BalancerFixture(weights: [60_000, 30_000, 1]) { $0.slots = 10 }
        let counts = fixture.counts(1000) { _ in nil }
        #expect(counts[2] > 0)
        #expect(counts[0] > counts[1] && counts[1] > counts[2])
    }

    @Test(arguments: 0..<4)
    func `what falls to a target out of service is shared by weight`(down: Int) {
        let weights = [40, 30, 20, 10]
        let fixture = BalancerFixture(weights: weights) { $0.maximumFailures = 1 }
        fixture.fail(down)
        var expected = weights
        expected.remove(at: down)
        var counts = fixture.counts(20_000) { _ in nil }
        #expect(counts[down] == 0)
        counts.remove(at: down)
        #expect(ChiSquare.fits(counts, weights: expected), "\(counts)")
    }

    // MARK: Other draws by weight

    @Test func `random draws fit their weights`() {
        let weights = [50, 25, 15, 7, 3]
        var counts = [Int](repeating: 0, count: weights.count)
        for ticket in 0..<50_000 { counts[WeightedDraw.pick(TargetSet(first: 5), weights, Mixer.mix(UInt64(ticket)))] += 1 }
        #expect(ChiSquare.fits(counts, weights: weights), "\(counts)")
    }

    @Test func `power of two choices on idle targets goes by weight`() {
        let fixture = BalancerFixture(weights: [100, 100, 100, 100]) { $0.algorithm = .powerOfTwoChoices }
        let counts = fixture.counts(40_000) { _ in nil }
        #expect(ChiSquare.fits(counts, weights: [1, 1, 1, 1]), "\(counts)")
    }

    @Test func `power of two choices never takes the busier of its two`() {
        let fixture = BalancerFixture(weights: [1, 1]) { $0.algorithm = .powerOfTwoChoices }
        fixture.balancer.cells[0].inFlight.store(5, ordering: .relaxed)
        for _ in 0..<100 { #expect(fixture.serve() == 1) }
    }

    // MARK: consistent-hashing

    private func owners(_ weights: [Int], keys: Int) -> [Int] {
        let fixture = BalancerFixture(weights: weights) { $0.algorithm = .consistentHashing }
        return (0..<keys).map { key in fixture.serve(fixture.query(hash: BalancingHash.of("user-\(key)".utf8))) ?? -1 }
    }

    @Test func `a key always finds the same target`() {
        #expect(self.owners([1, 2, 3], keys: 1000) == self.owners([1, 2, 3], keys: 1000))
    }

    @Test func `keys spread by weight`() {
        let weights = [10, 20, 30, 40]
        var counts = [Int](repeating: 0, count: 4)
        for owner in self.owners(weights, keys: 40_000) { counts[owner] += 1 }
        // The table's buckets are drawn themselves, so the fit is that of 10,000 draws, not of 40,000.
        #expect(ChiSquare.fits(counts.map { $0 / 4 }, weights: weights), "\(counts)")
    }

    @Test(arguments: 2..<12)
    func `one more target takes its share of the keys and moves no other`(count: Int) {
        let keys = 20_000
        let before = self.owners([Int](repeating: 10, count: count), keys: keys)
        let after = self.owners([Int](repeating: 10, count: count + 1), keys: keys)
        let moved = zip(before, after).filter { $0 != $1 }
        #expect(moved.allSatisfy { $1 == count }, "a key moved between two targets that were there before")
        #expect(Double(moved.count) / Double(keys) < 1.15 / Double(count + 1))
    }

    @Test func `keys of a target out of service spread, and the others stay`() {
        let fixture = BalancerFixture(weights: [1, 1, 1, 1]) {
            $0.algorithm = .consistentHashing
            $0.maximumFailures = 1
        }
        let queries = (0..<8000).map { fixture.query(hash: BalancingHash.of("k\($0)".utf8)) }
        let before = queries.map { fixture.serve($0) ?? -1 }
        fixture.fail(2)
        let after = queries.map { fixture.serve($0) ?? -1 }
        var inherited = [0, 0, 0, 0]
        for (old, new) in zip(before, after) {
            if old == 2 { inherited[new] += 1 } else { #expect(old == new) }
        }
        #expect(inherited[2] == 0)
        #expect(ChiSquare.fits([inherited[0], inherited[1], inherited[3]].map { $0 / 2 }, weights: [1, 1, 1]), "\(inherited)")
    }

    // MARK: priority and semantic

    @Test func `the highest priority takes everything while one of it is in service`() {
        let fixture = BalancerFixture(weights: [70, 70, 25, 5]) {
            $0.algorithm = .priority
            $0.maximumFailures = 1
        }
        #expect(fixture.counts(100) { _ in nil } == [50, 50, 0, 0])
        fixture.fail(0)
        #expect(fixture.counts(100) { _ in nil } == [0, 100, 0, 0])
        fixture.fail(1)
        #expect(fixture.counts(100) { _ in nil } == [0, 0, 100, 0])
        fixture.fail(2)
        #expect(fixture.counts(100) { _ in nil } == [0, 0, 0, 100])
        fixture.fail(3)
        #expect(fixture.counts(100) { _ in nil } == [0, 0, 0, 0])
    }

    @Test func `matches are taken in order and identical descriptions share by weight`() {
        let fixture = BalancerFixture(weights: [75, 25, 100, 100]) { $0.algorithm = .semantic }
        var query = fixture.query()
        query.ranking = [TargetSet([0, 1]), TargetSet([2])]
        let counts = fixture.counts(20_000) { _ in query }
        #expect(counts[2] == 0 && counts[3] == 0)
        #expect(ChiSquare.fits([counts[0], counts[1]], weights: [75, 25]), "\(counts)")
        let second = fixture.balancer.choose(query, tried: TargetSet([0, 1]), now: fixture.now)
        #expect(second?.target == 2)
        #expect(second.map { "\($0.reason)" } == "next_match")
    }

    // MARK: least-connections

    @Test func `requests go where most capacity is spare`() {
        let fixture = BalancerFixture(weights: [3, 1]) { $0.algorithm = .leastConnections }
        var held = [0, 0]
        for _ in 0..<40 {
            guard let choice = fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now) else { continue }
            held[choice.target] += 1
        }
        #expect(held == [30, 10])
    }

    @Test func `equally busy targets take turns`() {
        let fixture = BalancerFixture(weights: [1, 1, 1]) { $0.algorithm = .leastConnections }
        #expect(fixture.counts(300) { _ in nil } == [100, 100, 100])
    }
}
