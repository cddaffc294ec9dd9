import Synchronization

/// Keeps retries a share of the requests, so that a failing provider does not get a multiple of its traffic: every request pays in, every retry takes out
/// (Finagle's RetryBudget, https://twitter.github.io/finagle/guide/Clients.html#retries). Shared by all loops.
final class RetryBudget: Sendable {
    /// What one retry costs; a request pays `percent`.
    private static let price = 100
    private let percent: Int
    private let minimumPerSecond: Int
    private let balance = Atomic<Int>(0)
    private let refilledAt = Atomic<UInt64>(0)
    /// Most retries that can be saved up.
    private static let limit = 1_000

    init(percent: Int, minimumPerSecond: Int) {
        self.percent = percent
        self.minimumPerSecond = minimumPerSecond
        self.balance.store(minimumPerSecond * RetryBudget.price, ordering: .relaxed)
    }

    func request(now: UInt64) {
        self.add(self.percent)
        let last = self.refilledAt.load(ordering: .relaxed)
        if now &- last >= 1_000_000_000, self.refilledAt.claim(from: last, to: now) { self.add(self.minimumPerSecond * RetryBudget.price) }
    }

    /// Takes one retry out; false when there is none.
    func take() -> Bool {
        let left = self.balance.wrappingSubtract(RetryBudget.price, ordering: .relaxed).newValue
        if left >= 0 { return true }
        self.balance.wrappingAdd(RetryBudget.price, ordering: .relaxed)
        return false
    }

    var hasRetry: Bool { self.balance.load(ordering: .relaxed) >= RetryBudget.price }

    private func add(_ amount: Int) {
        let new = self.balance.wrappingAdd(amount, ordering: .relaxed).newValue
        let limit = RetryBudget.limit * RetryBudget.price
        if new > limit { self.balance.store(limit, ordering: .relaxed) }
    }
}
