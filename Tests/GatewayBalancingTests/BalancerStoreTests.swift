@testable import GatewayBalancing
import GatewayCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct BalancerStoreTests {
    private func targets(_ names: String..., weight: Int = 1) -> [BalancedTarget] { names.map { BalancedTarget(key: $0, name: $0, weight: weight) } }

    @Test func `the same configuration gives the same balancer, another instance its own`() {
        let store = BalancerStore()
        let first = store.balancer(id: "a", targets: self.targets("x"), settings: BalancerSettings())
        #expect(first === store.balancer(id: "a", targets: self.targets("x"), settings: BalancerSettings()))
        #expect(first !== store.balancer(id: "b", targets: self.targets("x"), settings: BalancerSettings()))
    }

    @Test func `a reload that changes weights or adds a target forgets nothing of the others`() throws {
        let store = BalancerStore()
        let first = try #require(store.balancer(id: "a", targets: self.targets("x", "y"), settings: BalancerSettings()) as? Balancer)
        let second = try #require(store.balancer(id: "a", targets: self.targets("z", "y", weight: 5), settings: BalancerSettings()) as? Balancer)
        #expect(first !== second)
        #expect(first.cells[1] === second.cells[1])
        #expect(first.cells[0] !== second.cells[0])
    }

    @Test func `figures of another kind are not taken over`() throws {
        let store = BalancerStore()
        var byCost = BalancerSettings()
        byCost.usage = .cost
        let first = try #require(store.balancer(id: "a", targets: self.targets("x"), settings: BalancerSettings()) as? Balancer)
        let second = try #require(store.balancer(id: "a", targets: self.targets("x"), settings: byCost) as? Balancer)
        #expect(first.cells[0] !== second.cells[0])
    }

    @Test func `a balancer nobody uses is forgotten`() {
        let store = BalancerStore()
        weak var weakly: (any TargetBalancer)?
        do {
            let balancer = store.balancer(id: "a", targets: self.targets("x"), settings: BalancerSettings())
            weakly = balancer
            #expect(weakly != nil)
        }
        #expect(weakly == nil)
    }

    @Test func `circuit and load can be read`() throws {
        let registry = MetricRegistry()
        let store = BalancerStore(registry: registry)
        var settings = BalancerSettings()
        settings.maximumFailures = 1
        let balancer = try #require(store.balancer(id: "a", targets: self.targets("x", "y"), settings: settings) as? Balancer)
        let now = MonotonicClock.now()
        let choice = try #require(balancer.choose(BalancerQuery(allowed: TargetSet([0]), hash: 0), tried: TargetSet(), now: now))
        #expect(choice.target == 0)
        #expect(registry.total("pellucid.balancer.in_flight", where: ["pellucid.balancer.target": "x"]) == 1)
        balancer.ended(AttemptReport(target: 0, ending: .failed(.connectRefused), status: 0, startedAt: now, endedAt: now), criterion: .error, retryAfter: 0)
        #expect(registry.total("pellucid.balancer.in_flight") == 0)
        #expect(registry.total("pellucid.balancer.circuit", where: ["pellucid.balancer.target": "x"]) == 2)
        #expect(registry.total("pellucid.balancer.circuit", where: ["pellucid.balancer.target": "y"]) == 0)
    }

    @Test func `sets of targets hold any number of them`() {
        var random = SeededRandom(7)
        for count in [1, 63, 64, 65, 128, 200] {
            #expect(TargetSet(first: count).count == count)
            let members = Set((0..<20).map { _ in random.next(count) })
            let set = TargetSet(members)
            #expect(set.count == members.count)
            #expect(set.first == members.min())
            var visited: [Int] = []
            set.forEach { visited.append($0) }
            #expect(visited == members.sorted())
            let others = Set((0..<20).map { _ in random.next(count) })
            #expect(set.intersection(TargetSet(others)) == TargetSet(members.intersection(others)) || members.intersection(others).isEmpty)
            #expect(set.intersection(TargetSet(others)).count == members.intersection(others).count)
            #expect(set.subtracting(TargetSet(others)).count == members.subtracting(others).count)
            var removed = set
            for member in members { removed.remove(member) }
            #expect(removed.isEmpty)
        }
    }
}
