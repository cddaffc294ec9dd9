import Synchronization
import TelemetryTestSupport
import Testing

@testable import Telemetry

@Suite struct EvidenceFlowTests {
    @Test func `what a full ring refuses is counted and explained`() {
        let fixture = TelemetryFixture(ringCapacity: 4)
        for _ in 0..<10 { fixture.begin().finish(.passed) }
        #expect(fixture.flow.finished == 10)
        #expect(fixture.flow.refused == 6)
        #expect(fixture.flow.waiting == 4)
        #expect(fixture.flow.unaccountedRequests() == 0)
        #expect(fixture.finished.count == 4)
        #expect(fixture.flow.waiting == 0)
        #expect(fixture.flow.unaccountedRequests() == 0)
        // The metrics are made on the loop: they know the refused ones too.
        #expect(fixture.registry.total("pellucid.requests.finished") == 10)
    }

    @Test func `a consumer that loses a request shows in the gauge`() {
        let fixture = TelemetryFixture()
        fixture.begin().finish(.passed)
        fixture.consumer.loseNext()
        fixture.flow.drainOnce()
        #expect(fixture.flow.unaccountedRequests() == 1)
        fixture.begin().finish(.passed)
        fixture.flow.drainOnce()
        #expect(fixture.flow.unaccountedRequests() == 1)
    }

    @Test func `two consumers that lose do not cancel each other out`() {
        let fixture = TelemetryFixture()
        let second = KeepingConsumer()
        fixture.flow.addScoped(second)
        fixture.consumer.loseNext()
        second.loseNext()
        let record = fixture.begin()
        record.matched(Known.route, sinks: [second])
        record.finish(.passed)
        fixture.flow.drainOnce()
        #expect(fixture.flow.unaccountedRequests() == 2)
    }

    @Test func `a scoped consumer sees only the requests that name it`() {
        let fixture = TelemetryFixture()
        let scoped = KeepingConsumer()
        fixture.flow.addScoped(scoped)
        fixture.begin().finish(.passed)
        let record = fixture.begin()
        record.matched(Known.route, sinks: [scoped])
        record.finish(.rejected)
        fixture.begin().finish(.passed)
        #expect(fixture.finished.count == 3)
        #expect(scoped.requests.map(\.root.outcome) == [.rejected])
        fixture.flow.remove(scoped)
        #expect(fixture.flow.unaccountedRequests() == 0)
    }

    @Test func `requests in flight are those begun and not ended`() {
        let fixture = TelemetryFixture()
        let first = fixture.begin()
        let second = fixture.begin()
        #expect(fixture.flow.inFlight == 2)
        first.finish(.passed)
        #expect(fixture.flow.inFlight == 1)
        second.finish(.passed)
        #expect(fixture.flow.inFlight == 0)
    }

    @Test func `evidence objects go round instead of being made again`() {
        let fixture = TelemetryFixture()
        var seen: Set<ObjectIdentifier> = []
        for _ in 0..<100 {
            let record = fixture.begin()
            seen.insert(ObjectIdentifier(record.evidence))
            record.finish(.passed)
            fixture.flow.drainOnce()
        }
        #expect(seen.count < 5)
    }

    @Test func `a request that comes back from the drain brings nothing of its predecessor`() throws {
        let fixture = TelemetryFixture()
        let first = fixture.loop.begin(parent: nil, isSampled: true, configurationHash: "hash")
        first.matched(Known.route, sinks: [])
        first.authenticated(Known.consumer)
        first.openAttempt().finish(.failed)
        first.finish(.failed)
        _ = fixture.finished
        fixture.begin().finish(.passed)
        let second = try #require(fixture.finished.last)
        #expect(second.route == nil)
        #expect(second.consumer == nil)
        #expect(second.attempts.isEmpty)
        #expect(second.scopes.isEmpty)
        #expect(second.configurationHash.isEmpty)
    }

    @Test func `a request without a route has the configuration it began under`() throws {
        let fixture = TelemetryFixture()
        fixture.loop.begin(parent: nil, isSampled: true, configurationHash: "cafe").finish(.rejected)
        let record = fixture.loop.begin(parent: nil, isSampled: true, configurationHash: "beef")
        record.matched(Known.route, sinks: [])
        record.finish(.passed)
        #expect(fixture.finished.map(\.configurationHash) == ["cafe", "beef"])
    }

    @Test func `a shutdown ships what waits and tells every consumer once`() {
        let fixture = TelemetryFixture()
        fixture.begin().finish(.passed)
        fixture.flow.start()
        fixture.flow.shutdown(deadline: MonotonicClock.now() + 10_000_000_000)
        #expect(fixture.consumer.requests.count == 1)
        #expect(fixture.consumer.shutdowns == 1)
        #expect(fixture.consumer.ticks >= 1)
        #expect(fixture.flow.unaccountedRequests() == 0)
    }

    /// Writers on threads of their own with rings so small that they refuse, a drain, and a scrape that looks all the time.
    @Test func `the gauge reads 0 at every instant under concurrent load with refusals`() {
        let registry = MetricRegistry()
        let flow = EvidenceFlow(registry: registry, ringCapacity: 8)
        let consumer = KeepingConsumer(keepsEvidence: false)
        flow.addGlobal(consumer)
        let writers = 3, perWriter = 4000
        let running = Atomic<Int>(writers)
        let wrong = Atomic<Int>(0)
        let looks = Atomic<Int>(0)
        var bodies: [@Sendable () -> Void] = []
        for seed in 0..<writers {
            let loop = flow.makeLoop(identifiers: IdentifierGenerator(seed: UInt64(seed)))
            bodies.append {
                for number in 0..<perWriter {
                    let record = loop.begin(parent: nil, isSampled: number % 7 == 0)
                    var stage = record.openStage(Known.stage)
                    stage.set("n", .int(Int64(number)))
                    stage.finish(.passed)
                    record.finish(number % 2 == 0 ? .passed : .rejected)
                }
                running.subtract(1, ordering: .sequentiallyConsistent)
            }
        }
        bodies.append { while running.load(ordering: .sequentiallyConsistent) > 0 { flow.drainOnce() } }
        bodies.append {
            while running.load(ordering: .sequentiallyConsistent) > 0 {
                if flow.unaccountedRequests() != 0 { wrong.add(1, ordering: .relaxed) }
                looks.add(1, ordering: .relaxed)
            }
        }
        onThreads(bodies)
        flow.drainOnce()
        let total = UInt64(writers * perWriter)
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(looks.load(ordering: .relaxed) > 0)
        #expect(flow.unaccountedRequests() == 0)
        #expect(flow.finished == total)
        #expect(flow.inFlight == 0)
        #expect(consumer.counts().offered + flow.refused == total)
        #expect(registry.total("pellucid.requests.finished") == Double(total))
        #expect(registry.observations("pellucid.stage.duration").count == total)
    }

    /// Takes all the time that it is given to end.
    private final class Slow: EvidenceConsumer, @unchecked Sendable {
        // Unchecked: written before the call that reads it returns.
        let name: StaticString = "slow"
        var prepared: UInt64 = 0
        var left: Int64 = 0
        func consume(_ evidence: RequestEvidence) {}
        func tick(now: UInt64) {}
        func counts() -> DeliveryCounts { DeliveryCounts() }
        func prepareShutdown(deadline: UInt64) { self.prepared = MonotonicClock.now() }
        func shutdown(deadline: UInt64) {
            self.left = Int64(bitPattern: deadline &- self.prepared)
            while MonotonicClock.now() < deadline { ThreadSignal().wait(nanoseconds: 1_000_000) }
        }
    }

    @Test func `a consumer that takes long to end takes nothing of another's time`() {
        let fixture = TelemetryFixture()
        let consumers = [Slow(), Slow(), Slow()]
        for consumer in consumers { fixture.flow.addScoped(consumer) }
        fixture.flow.start()
        fixture.flow.retire(consumers, within: 30_000_000)
        for consumer in consumers { #expect(consumer.left > 20_000_000, "\(consumer.left)") }
        var seen = 0
        fixture.flow.forEachConsumer { _ in seen += 1 }
        #expect(seen == 1)
        fixture.flow.shutdown(deadline: MonotonicClock.now() + 1_000_000_000)
    }

    @Test func `delivery counts explain what was offered`() {
        var counts = DeliveryCounts()
        counts.offered = 10
        counts.delivered = 3
        counts.queued = 2
        counts.sampledOut = 4
        counts.dropped = 1
        #expect(counts.unaccounted == 0)
        counts.queued = 4
        #expect(counts.unaccounted == -2)
    }
}
