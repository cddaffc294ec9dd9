import SideClient
import Testing

@testable import Exporters

@Suite struct RetryStateTests {
    private let second: UInt64 = 1_000_000_000

    @Test func `waits double up to the maximum`() {
        var options = RetryOptions()
        options.jitter = 0
        var state = RetryState(options: options)
        var now: UInt64 = 5
        var waits: [UInt64] = []
        for _ in 0..<7 {
            guard case .retry(let at) = state.failed(now: now, retryAfter: nil, random: 0.5) else { break }
            waits.append((at - now) / self.second)
            now = at
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30])
    }

    @Test func `jitter spreads a wait around its figure`() {
        var low = RetryState(options: RetryOptions())
        var high = RetryState(options: RetryOptions())
        #expect(low.failed(now: 0, retryAfter: nil, random: 0) == .retry(at: self.second / 2))
        #expect(high.failed(now: 0, retryAfter: nil, random: 1) == .retry(at: self.second * 3 / 2))
    }

    @Test func `the collector's wish is a lower bound`() {
        var state = RetryState(options: RetryOptions())
        #expect(state.failed(now: 0, retryAfter: 40 * self.second, random: 0.5) == .retry(at: 40 * self.second))
    }

    @Test func `a payload is given up when the next try would be too late`() {
        var options = RetryOptions()
        options.jitter = 0
        options.maximumElapsedMilliseconds = 2500
        var state = RetryState(options: options)
        #expect(state.failed(now: 0, retryAfter: nil, random: 0.5) == .retry(at: self.second))
        #expect(state.failed(now: self.second, retryAfter: nil, random: 0.5) == .giveUp)
    }

    @Test(arguments: [429, 502, 503, 504]) func `these statuses are tried again`(status: Int) {
        guard case .retryable = CollectorAnswer.result(of: .success(SideResponse(status: status)), signal: .traces, wallNow: 0) else {
            Issue.record("not retryable")
            return
        }
    }

    @Test(arguments: [301, 400, 401, 403, 404, 413, 500, 501]) func `these statuses are final`(status: Int) {
        guard case .refused = CollectorAnswer.result(of: .success(SideResponse(status: status)), signal: .traces, wallNow: 0) else {
            Issue.record("not refused")
            return
        }
    }

    @Test func `Retry-After is read as seconds and as a date`() {
        let seconds = SideResponse(status: 429, headers: [("retry-after", "7")])
        #expect(CollectorAnswer.result(of: .success(seconds), signal: .traces, wallNow: 0) == .retryable(code: "429", retryAfter: 7 * self.second, wasSent: false))
        let date = SideResponse(status: 503, headers: [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")])
        let now: UInt64 = (784_111_777 - 12) * self.second
        #expect(CollectorAnswer.result(of: .success(date), signal: .traces, wallNow: now) == .retryable(code: "503", retryAfter: 12 * self.second, wasSent: false))
    }

    @Test func `a partial success tells how many spans were refused`() {
        // partial_success { rejected_spans: 3, error_message: "no" }
        let body: [UInt8] = [0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, 0x6e, 0x6f]
        #expect(CollectorAnswer.result(of: .success(SideResponse(status: 200, body: body)), signal: .traces, wallNow: 0) == .accepted(rejected: 3))
        #expect(CollectorAnswer.result(of: .success(SideResponse(status: 200)), signal: .traces, wallNow: 0) == .accepted(rejected: 0))
    }

    @Test func `a missing answer is told from a request that never left`() {
        let lost = CollectorAnswer.result(of: .failure(SideFailure(.timeout, wasSent: true)), signal: .traces, wallNow: 0)
        #expect(lost == .retryable(code: "timeout", retryAfter: nil, wasSent: true))
        let refused = CollectorAnswer.result(of: .failure(SideFailure(.connectFailed)), signal: .traces, wallNow: 0)
        #expect(refused == .retryable(code: "connect_failed", retryAfter: nil, wasSent: false))
    }
}
