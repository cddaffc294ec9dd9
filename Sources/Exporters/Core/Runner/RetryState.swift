internal import SideClient

/// What became of one export.
enum ExportResult: Equatable {
    /// 2xx. `rejected` spans were refused by the collector (partial success).
    case accepted(rejected: Int64)
    /// May be repeated: 429, 502, 503, 504 or a broken connection. `retryAfter` is the collector's wish, nanoseconds;
    /// `wasSent` says that the collector may have taken the payload although its answer is missing.
    case retryable(code: StaticString, retryAfter: UInt64?, wasSent: Bool)
    /// Must not be repeated.
    case refused(code: StaticString)

    static func == (a: ExportResult, b: ExportResult) -> Bool {
        switch (a, b) {
        case (.accepted(let x), .accepted(let y)): x == y
        case (.retryable(let c, let r, let w), .retryable(let d, let s, let v)): c.description == d.description && r == s && w == v
        case (.refused(let c), .refused(let d)): c.description == d.description
        default: false
        }
    }
}

/// Decides when a payload is sent again. No clock and no chance of its own: both are given.
///
/// `fresh → waiting → waiting … → given up`; a success ends it from outside.
struct RetryState {
    enum Decision: Equatable {
        case retry(at: UInt64)
        case giveUp
    }

    let options: RetryOptions
    private(set) var failures = 0
    /// Time of the first failure, the start of ``RetryOptions/maximumElapsedMilliseconds``.
    private(set) var firstFailure: UInt64 = 0

    init(options: RetryOptions) { self.options = options }

    /// - Parameters:
    ///   - now: nanoseconds of a monotonic clock.
    ///   - random: evenly distributed in 0 ..< 1.
    mutating func failed(now: UInt64, retryAfter: UInt64?, random: Double) -> Decision {
        if self.failures == 0 { self.firstFailure = now }
        var wait = Double(self.options.initialMilliseconds)
        for _ in 0..<self.failures where wait < Double(self.options.maximumMilliseconds) { wait *= self.options.multiplier }
        wait = min(wait, Double(self.options.maximumMilliseconds))
        wait *= 1 - self.options.jitter + 2 * self.options.jitter * random
        self.failures += 1
        // The collector's wish is a lower bound: coming back earlier would be refused again.
        let delay = max(UInt64(max(0, wait) * 1e6), retryAfter ?? 0)
        let (at, overflow) = now.addingReportingOverflow(delay)
        guard !overflow, at &- self.firstFailure <= self.options.maximumElapsedMilliseconds &* 1_000_000 else { return .giveUp }
        return .retry(at: at)
    }
}
