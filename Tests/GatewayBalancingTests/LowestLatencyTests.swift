@testable import GatewayBalancing
import GatewayCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

/// `lowest-latency` under simulated traffic: requests arrive at a steady rate and take as long as their target takes at that time.
@Suite struct LowestLatencyTests {
    /// A discrete simulation: arrivals at fixed intervals, completions when they are due.
    private final class Simulation {
        let fixture: BalancerFixture
        /// Seconds a target takes at a moment (seconds from the start); nil: it fails at once.
        let latency: (Int, Double) -> Double?
        private var due: [(at: UInt64, target: Int, startedAt: UInt64)] = []
        private let begin: UInt64
        /// Arrivals: when (seconds) and where.
        private(set) var sent: [(at: Double, target: Int)] = []
        private(set) var mostInFlight: [Int]

        init(_ count: Int, latency: @escaping (Int, Double) -> Double?) {
            self.fixture = BalancerFixture(weights: [Int](repeating: 100, count: count)) {
                $0.algorithm = .lowestLatency
                $0.latency = .endToEnd
            }
            self.latency = latency
            self.begin = self.fixture.now
            self.mostInFlight = [Int](repeating: 0, count: count)
        }

        func run(seconds: Double, rate: Double) {
            let until = self.fixture.now + UInt64(seconds * 1e9)
            let interval = UInt64(1e9 / rate)
            while self.fixture.now < until {
                self.complete(until: self.fixture.now)
                self.arrive()
                self.fixture.now += interval
            }
        }

        private func complete(until now: UInt64) {
            self.due.sort { $0.at > $1.at }
            while let next = self.due.last, next.at <= now {
                self.due.removeLast()
                self.fixture.end(next.target, startedAt: next.startedAt, seconds: Double(next.at - next.startedAt) / 1e9)
            }
        }

        private func arrive() {
            let fixture = self.fixture
            guard let choice = fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now) else { return }
            let at = Double(fixture.now - self.begin) / 1e9
            self.sent.append((at, choice.target))
            let inFlight = fixture.balancer.cells[choice.target].inFlight.load(ordering: .relaxed)
            self.mostInFlight[choice.target] = max(self.mostInFlight[choice.target], inFlight)
            if let seconds = self.latency(choice.target, at) {
                self.due.append((fixture.now + UInt64(seconds * 1e9), choice.target, fixture.now))
            } else {
                fixture.end(choice.target, startedAt: fixture.now, status: 500, criterion: .http500)
            }
        }

        func share(of target: Int, from: Double, to: Double) -> Double {
            let window = self.sent.filter { $0.at >= from && $0.at < to }
            return Double(window.filter { $0.target == target }.count) / Double(max(1, window.count))
        }

        func forgetPeak() { self.mostInFlight = self.mostInFlight.map { _ in 0 } }
    }

    @Test func `the fastest target gets most, and the others a little that keeps their figures`() {
        let simulation = Simulation(3) { target, _ in [0.05, 0.4, 0.8][target] }
        simulation.run(seconds: 120, rate: 10)
        #expect(simulation.share(of: 0, from: 20, to: 120) > 0.9)
        for target in 1...2 {
            let share = simulation.share(of: target, from: 20, to: 120)
            #expect(share > 0.001 && share < 0.05, "\(share)")
        }
    }

    @Test func `equal targets share`() {
        let simulation = Simulation(4) { _, _ in 0.2 }
        simulation.run(seconds: 60, rate: 40)
        for target in 0..<4 {
            let share = simulation.share(of: target, from: 10, to: 60)
            #expect(share > 0.15 && share < 0.35, "\(share)")
        }
    }

    @Test func `a target that slows down loses its traffic at once and gets it back when it recovers`() {
        let simulation = Simulation(2) { target, at in target == 1 ? 0.3 : at >= 60 && at < 180 ? 3 : 0.1 }
        simulation.run(seconds: 60, rate: 20)
        #expect(simulation.share(of: 0, from: 20, to: 60) > 0.7)
        simulation.run(seconds: 120, rate: 20)
        // Within the time one slow answer takes.
        #expect(simulation.share(of: 0, from: 64, to: 180) < 0.05)
        simulation.run(seconds: 60, rate: 20)
        // One exploration, at the latest a decay time after the recovery, is enough.
        #expect(simulation.share(of: 0, from: 195, to: 240) > 0.7)
    }

    @Test func `a target that recovers is not run over`() {
        // Slow to 100 s, so slow that nothing comes back from a probe for a while.
        let simulation = Simulation(5) { target, at in target == 0 && at < 100 ? 8 : 0.2 }
        simulation.run(seconds: 100, rate: 100)
        simulation.forgetPeak()
        simulation.run(seconds: 30, rate: 100)
        // In balance every target has 100 requests a second x 0.2 s / 5 = 4 under way.
        #expect(simulation.mostInFlight[0] <= 10, "\(simulation.mostInFlight)")
        #expect(simulation.share(of: 0, from: 115, to: 130) > 0.1)
    }

    @Test func `a stalled probe keeps the crowd away`() {
        let simulation = Simulation(3) { target, _ in target == 0 ? 1000 : 0.1 }
        simulation.run(seconds: 100, rate: 50)
        // One every decay time, never two at an instant.
        #expect(simulation.mostInFlight[0] <= 11)
        #expect(simulation.share(of: 0, from: 0, to: 100) < 0.003)
    }

    @Test func `failing fast does not look fast`() {
        let simulation = Simulation(2) { target, _ in target == 0 ? nil : 0.5 }
        simulation.run(seconds: 60, rate: 10)
        #expect(simulation.share(of: 0, from: 10, to: 60) < 0.1)
    }

    @Test func `a client's own mistake is no latency`() {
        let fixture = BalancerFixture(weights: [1]) {
            $0.algorithm = .lowestLatency
            $0.latency = .endToEnd
        }
        fixture.serve(seconds: 2)
        fixture.balancer.cells[0].inFlight.wrappingAdd(1, ordering: .relaxed)
        fixture.end(0, startedAt: fixture.now, seconds: 0.001, status: 422)
        #expect(fixture.balancer.cells[0].latency.real == 2)
    }

    // MARK: What is measured

    @Test func `time per token leaves the first token of a stream out`() {
        var report = AttemptReport(target: 0, ending: .served, status: 200, startedAt: 0, endedAt: 5_000_000_000)
        report.usage.output = 11
        report.usage.source = .providerReported
        #expect(LowestLatency.seconds(report, .perToken) == 5.0 / 11)
        report.firstChunkAt = 3_000_000_000
        report.lastChunkAt = 5_000_000_000
        #expect(LowestLatency.seconds(report, .perToken) == 0.2)
        #expect(LowestLatency.seconds(report, .endToEnd) == 5)
        report.usage.source = .none
        report.chunkCount = 5
        #expect(LowestLatency.seconds(report, .perToken) == 0.5)
        report.chunkCount = 1
        #expect(LowestLatency.seconds(report, .perToken) == nil)
    }
}
