@testable import GatewayBalancing
import GatewayCore
import GatewayWire
import Synchronization
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct FailoverPolicyTests {
    /// Every way an attempt can fail with the criterion of nginx it falls under, and whether the upstream may have the request.
    static let failures: [(failure: UpstreamFailure, criterion: FailoverCriteria?, wasSent: Bool)] = [
        (.nameResolution, .error, false), (.connectRefused, .error, false), (.tls, .error, false), (.connectTimeout, .timeout, false),
        (.sendTimeout, .timeout, true), (.readTimeout, .timeout, true), (.closedBeforeResponse, .error, true), (.closedMidResponse, .error, true),
        (.malformed(code: "status_line_invalid"), .invalidHeader, true), (.declined(code: "429"), .http429, true), (.declined(code: "503"), .http503, true),
        (.cancelled, nil, true),
    ]

    private static let all: [FailoverCriteria] = [.error, .timeout, .invalidHeader, .http403, .http404, .http429, .http500, .http502, .http503, .http504]

    @Test func `every failure falls under its criterion`() {
        for row in Self.failures {
            #expect(FailoverPolicy.criterion(of: row.failure) == row.criterion, "\(row.failure)")
            #expect(row.failure.isBeforeSend == !row.wasSent, "\(row.failure)")
        }
    }

    @Test func `Kong's defaults try again only what no upstream has received`() {
        let policy = FailoverPolicy(criteria: BalancerSettings().criteria)
        #expect(BalancerSettings().criteria == [.error, .timeout])
        for row in Self.failures {
            guard let criterion = row.criterion else { continue }
            let isDefault = criterion == .error || criterion == .timeout
            #expect(policy.allows(criterion, wasSent: row.wasSent, isIdempotent: false) == (isDefault && !row.wasSent), "\(row.failure)")
            #expect(policy.allows(criterion, wasSent: row.wasSent, isIdempotent: true) == isDefault, "\(row.failure)")
        }
    }

    @Test func `the whole table of criterion, receipt, method and non_idempotent`() {
        for configured in Self.all {
            for withNonIdempotent in [false, true] {
                let policy = FailoverPolicy(criteria: withNonIdempotent ? [configured, .nonIdempotent] : [configured])
                for happened in Self.all {
                    for wasSent in [false, true] {
                        for isIdempotent in [false, true] {
                            let expected = happened == configured && (!wasSent || isIdempotent || withNonIdempotent)
                            #expect(policy.allows(happened, wasSent: wasSent, isIdempotent: isIdempotent) == expected)
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: [
        (200, FailureClass.none, nil), (400, .invalidRequest, nil), (401, .authentication, nil), (403, .authentication, FailoverCriteria.http403), (404, .notFound, .http404),
        (422, .invalidRequest, nil), (429, .rateLimited, .http429), (500, .serverError, .http500), (502, .serverError, .http502), (503, .overloaded, .http503),
        (504, .serverError, .http504), (529, .overloaded, .http503), (520, .serverError, .http500), (498, .rateLimited, .http429),
    ])
    func `every status falls under its criterion, unlisted ones under that of their class`(status: Int, kind: FailureClass, criterion: FailoverCriteria?) {
        #expect(FailoverPolicy.criterion(ofStatus: status, kind) == criterion)
    }

    @Test func `a declined answer keeps its criterion`() {
        for criterion in Self.all.dropFirst(3) { #expect(FailoverPolicy.criterion(of: .declined(code: FailoverPolicy.code(of: criterion))) == criterion) }
    }

    // MARK: Retry-After

    @Test(arguments: [
        ("retry-after", "7", 7_000_000_000 as UInt64?), ("Retry-After", "0", 0), ("retry-after", "1.9", 1_000_000_000), ("retry-after-ms", "250", 250_000_000),
        ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", nil), ("retry-after", "-1", nil), ("retry-after", "", nil), ("retry-after", "99999999999999999999", 86_400_000_000_000_000),
    ])
    func `what a target asks for is read`(name: String, value: String, expected: UInt64?) {
        var fields = HTTPFields()
        _ = fields.append(name: name, value)
        #expect(RetryAfter.nanoseconds(fields) == expected)
    }

    @Test func `a target that asks to be left alone is, while another can serve`() {
        let fixture = BalancerFixture(weights: [1, 1])
        func cool(_ target: Int, seconds: UInt64) {
            fixture.balancer.cells[target].inFlight.wrappingAdd(1, ordering: .relaxed)
            fixture.balancer.ended(
                AttemptReport(target: target, ending: .served, status: 429, startedAt: fixture.now, endedAt: fixture.now), criterion: .http429,
                retryAfter: seconds * 1_000_000_000)
        }
        cool(0, seconds: 7)
        #expect(fixture.counts(20) { _ in nil } == [0, 20])
        cool(1, seconds: 7)
        // Nobody is left: better a request that may be refused than one that is.
        #expect(fixture.serve() != nil)
        fixture.advance(seconds: 7)
        #expect(fixture.counts(20) { _ in nil } == [10, 10])
    }

    @Test func `no target is kept away longer than the limit`() {
        let fixture = BalancerFixture(weights: [1, 1]) { $0.longestRetryAfter = 5_000_000_000 }
        fixture.balancer.cells[0].inFlight.wrappingAdd(1, ordering: .relaxed)
        fixture.balancer.ended(
            AttemptReport(target: 0, ending: .served, status: 429, startedAt: fixture.now, endedAt: fixture.now), criterion: .http429, retryAfter: 3600 * 1_000_000_000)
        fixture.advance(seconds: 5)
        #expect(fixture.counts(20) { _ in nil } == [10, 10])
    }

    // MARK: Budget

    @Test func `retries stay a share of the requests`() {
        let budget = RetryBudget(percent: 20, minimumPerSecond: 0)
        var retries = 0
        for _ in 0..<1000 {
            budget.request(now: 5)
            for _ in 0..<5 where budget.take() { retries += 1 }
        }
        #expect(retries == 200)
        #expect(!budget.hasRetry)
    }

    @Test func `a few retries a second are always allowed`() {
        let budget = RetryBudget(percent: 0, minimumPerSecond: 3)
        func taken() -> Int { (0..<10).filter { _ in budget.take() }.count }
        #expect(taken() == 3)
        #expect(taken() == 0)
        budget.request(now: 2_000_000_000)
        #expect(taken() == 3)
        budget.request(now: 2_500_000_000)
        #expect(taken() == 0)
    }
}
