@testable import GatewayBalancing
import GatewayCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

/// Kong's rules (https://developer.konghq.com/ai-gateway/load-balancing/#health-check-and-circuit-breaker), event by event.
@Suite struct CircuitBreakerTests {
    enum Event: Sendable {
        case failure
        case success
        case wait(Double)
    }

    struct Row: Sendable, CustomStringConvertible {
        let description: String
        var maximum = 3
        let events: [Event]
        let state: CircuitBreaker.State
        let failures: Int
    }

    static let rows: [Row] = [
        Row(description: "nothing happened", events: [], state: .closed, failures: 0),
        Row(description: "below the limit", events: [.failure, .failure], state: .closed, failures: 2),
        Row(description: "at the limit", events: [.failure, .failure, .failure], state: .open, failures: 3),
        Row(description: "a success between does not reset", events: [.failure, .failure, .success, .failure], state: .open, failures: 3),
        Row(description: "a success within the timeout keeps the count", events: [.failure, .failure, .success], state: .closed, failures: 2),
        Row(description: "a success just before the timeout keeps it", events: [.failure, .failure, .wait(9.9), .success], state: .closed, failures: 2),
        Row(description: "a success after the timeout resets", events: [.failure, .failure, .wait(10), .success], state: .closed, failures: 0),
        Row(description: "the timeout counts from the last failure", events: [.failure, .wait(9), .failure, .wait(9), .success], state: .closed, failures: 2),
        Row(description: "time alone resets nothing", events: [.failure, .failure, .wait(1000)], state: .closed, failures: 2),
        Row(description: "total failures over any time open", events: [.failure, .wait(1000), .failure, .wait(1000), .failure], state: .open, failures: 3),
        Row(description: "open until the timeout", events: [.failure, .failure, .failure, .wait(9.9)], state: .open, failures: 3),
        Row(description: "reconsidered after it", events: [.failure, .failure, .failure, .wait(10)], state: .halfOpen, failures: 3),
        Row(description: "a success then closes", events: [.failure, .failure, .failure, .wait(10), .success], state: .closed, failures: 0),
        Row(description: "a failure then opens again", events: [.failure, .failure, .failure, .wait(10), .failure], state: .open, failures: 4),
        Row(description: "and is reconsidered once more", events: [.failure, .failure, .failure, .wait(10), .failure, .wait(10)], state: .halfOpen, failures: 4),
        Row(description: "a late answer of an open target does not close it", events: [.failure, .failure, .failure, .success], state: .open, failures: 3),
        Row(description: "one failure is enough where one is the limit", maximum: 1, events: [.failure], state: .open, failures: 1),
        Row(description: "no limit, no circuit", maximum: 0, events: [.failure, .failure, .failure, .failure], state: .closed, failures: 0),
    ]

    @Test(arguments: rows)
    func `the circuit follows Kong's rules`(row: Row) {
        let circuit = CircuitBreaker(maximumFailures: row.maximum, failTimeout: 10_000_000_000)
        let cells = TargetCells()
        var now: UInt64 = 1_000_000_000_000
        for event in row.events {
            switch event {
            case .failure: circuit.failed(cells, now: now)
            case .success: circuit.succeeded(cells, now: now)
            case .wait(let seconds): now += UInt64(seconds * 1e9)
            }
        }
        #expect(circuit.state(cells, now: now) == row.state)
        #expect(cells.failures.load(ordering: .relaxed) == row.failures)
    }

    @Test func `one request at a time tries a target that comes back`() {
        let fixture = BalancerFixture(weights: [1, 1]) { $0.maximumFailures = 1 }
        fixture.fail(0)
        fixture.advance(seconds: 10)
        var choices: [Int] = []
        for _ in 0..<50 { choices.append(fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now)?.target ?? -1) }
        #expect(choices.filter { $0 == 0 }.count == 1)
        #expect(choices.filter { $0 == 1 }.count == 49)
        // It answers: it is in service again.
        fixture.end(0, startedAt: fixture.now)
        #expect(fixture.counts(100) { _ in nil } == [50, 50])
    }

    @Test func `a trial whose client left lets another one try`() {
        let fixture = BalancerFixture(weights: [1]) { $0.maximumFailures = 1 }
        fixture.fail(0)
        fixture.advance(seconds: 10)
        #expect(fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now)?.target == 0)
        fixture.balancer.ended(
            AttemptReport(target: 0, ending: .cancelled, status: 0, startedAt: fixture.now, endedAt: fixture.now), criterion: nil, retryAfter: 0)
        #expect(fixture.balancer.circuit.state(fixture.balancer.cells[0], now: fixture.now) == .halfOpen)
    }

    @Test func `requests go to a target on trial rather than nowhere`() {
        let fixture = BalancerFixture(weights: [1]) { $0.maximumFailures = 1 }
        fixture.fail(0)
        #expect(fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now) == nil)
        fixture.advance(seconds: 10)
        #expect(fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now)?.target == 0)
        let second = fixture.balancer.choose(fixture.query(), tried: TargetSet(), now: fixture.now)
        #expect(second.map { "\($0.reason)" } == "on_trial")
    }

    @Test(arguments: [
        (FailoverCriteria.error, true), (.timeout, true), (.invalidHeader, true), (.http403, false), (.http404, false), (.http429, false), (.http500, false),
        (.http503, false),
    ])
    func `without being configured only failures without an answer count`(criterion: FailoverCriteria, counts: Bool) {
        let fixture = BalancerFixture(weights: [1, 1]) {
            $0.maximumFailures = 1
            $0.criteria = []
        }
        fixture.fail(0, criterion)
        #expect((fixture.balancer.circuit.state(fixture.balancer.cells[0], now: fixture.now) == .open) == counts)
    }

    @Test(arguments: [(FailoverCriteria.http403, false), (.http404, false), (.http429, true), (.http500, true), (.http502, true), (.http503, true), (.http504, true)])
    func `answers count where they are a criterion, but 403 and 404 never`(criterion: FailoverCriteria, counts: Bool) {
        let fixture = BalancerFixture(weights: [1, 1]) {
            $0.maximumFailures = 1
            $0.criteria = [.http403, .http404, .http429, .http500, .http502, .http503, .http504]
        }
        fixture.fail(0, criterion)
        #expect((fixture.balancer.circuit.state(fixture.balancer.cells[0], now: fixture.now) == .open) == counts)
    }
}
