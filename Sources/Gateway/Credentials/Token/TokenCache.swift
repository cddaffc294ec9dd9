import GatewayCore
import Synchronization

/// One credential that ends: fetched once for all who need it, renewed before its end.
///
/// The first caller of ``renew(_:)`` fetches, under its own span; the others wait for its result. A fetch that is given up because its client left is taken over by
/// one of those who wait.
final class TokenCache<Value: Sendable>: Sendable {
    struct Entry: Sendable {
        let value: Value
        /// Seconds since 1970; nil: does not end.
        let expiry: Int?
        /// Where it came from, for the evidence.
        let source: StaticString
    }

    typealias Fetch = @Sendable (inout CallPermit) async throws(AuthorizationFailure) -> Entry

    private enum Turn: Sendable {
        case fetch
        case done(StaticString)
        case failed(AuthorizationFailure)
    }

    private struct State {
        var entry: Entry?
        var isFetching = false
        var waiters: [CheckedContinuation<Turn, Never>] = []
        /// No early renewal before this time: one was begun or failed.
        var quietUntil = 0
        var mustRenew = false
        var fetchedAt = 0
    }

    /// So many seconds before the end one request renews; the clouds' own libraries take about five minutes.
    private static var earlySeconds: Int { 300 }
    /// A token this close to its end is not sent any more: it has to survive the way to the upstream.
    private static var graceSeconds: Int { 10 }
    /// Pause between early renewals that fail, and between renewals that an upstream's refusal causes.
    private static var pauseSeconds: Int { 30 }

    private let state = Mutex(State())
    private let now: @Sendable () -> Int
    private let fetch: Fetch

    /// - Parameter now: seconds since 1970.
    init(now: @escaping @Sendable () -> Int, fetch: @escaping Fetch) {
        self.now = now
        self.fetch = fetch
    }

    /// The credential, while it can be used.
    var current: Value? {
        let now = self.now()
        return self.state.withLock { state in TokenCache.isUsable(state.entry, now) ? state.entry?.value : nil }
    }

    /// Whether the caller must wait for ``renew(_:)``; near the end only one caller is told so.
    func needsRenewal() -> Bool {
        let now = self.now()
        return self.state.withLock { state in
            guard TokenCache.isUsable(state.entry, now) else { return true }
            guard !TokenCache.isFresh(state, now), !state.isFetching, now >= state.quietUntil else { return false }
            state.quietUntil = now + TokenCache.pauseSeconds
            return true
        }
    }

    /// Fetches, or waits for the fetch that runs.
    ///
    /// - Returns: where the credential came from.
    func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString {
        switch await self.turn() {
        case .done(let source): return source
        case .failed(let failure): throw failure
        case .fetch: break
        }
        do throws(AuthorizationFailure) {
            let entry = try await self.fetch(&permit)
            self.settle(.success(entry))
            return entry.source
        } catch {
            self.settle(.failure(error))
            throw error
        }
    }

    /// An upstream did not take the credential: it is replaced, unless that has just been done.
    func refused() {
        let now = self.now()
        self.state.withLock { state in
            if state.entry?.expiry != nil, now - state.fetchedAt >= TokenCache.pauseSeconds { state.mustRenew = true }
        }
    }

    private func turn() async -> Turn {
        let now = self.now()
        return await withCheckedContinuation { continuation in
            let turn = self.state.withLock { state -> Turn? in
                if state.isFetching {
                    state.waiters.append(continuation)
                    return nil
                }
                // Somebody else may have fetched since the caller looked.
                if let entry = state.entry, TokenCache.isFresh(state, now) { return .done(entry.source) }
                state.isFetching = true
                return .fetch
            }
            if let turn { continuation.resume(returning: turn) }
        }
    }

    private func settle(_ result: Result<Entry, AuthorizationFailure>) {
        let now = self.now()
        let (waiters, turn) = self.state.withLock { state -> ([CheckedContinuation<Turn, Never>], Turn) in
            let waiters = state.waiters
            switch result {
            case .success(let entry):
                state.entry = entry
                state.fetchedAt = now
                state.quietUntil = 0
                state.mustRenew = false
                state.isFetching = false
                state.waiters = []
                return (waiters, .done(entry.source))
            case .failure(let failure):
                if failure.code.description == "cancelled", let next = waiters.first {
                    // The fetch goes on with the next one's permit.
                    state.waiters.removeFirst()
                    return ([next], .fetch)
                }
                state.quietUntil = now + TokenCache.pauseSeconds
                state.isFetching = false
                state.waiters = []
                return (waiters, .failed(failure))
            }
        }
        for waiter in waiters { waiter.resume(returning: turn) }
    }

    private static func isUsable(_ entry: Entry?, _ now: Int) -> Bool {
        guard let entry else { return false }
        guard let expiry = entry.expiry else { return true }
        return expiry - now > TokenCache.graceSeconds
    }

    /// Whether the credential is wanted for some time yet.
    private static func isFresh(_ state: State, _ now: Int) -> Bool {
        guard self.isUsable(state.entry, now), !state.mustRenew else { return false }
        guard let expiry = state.entry?.expiry else { return true }
        // A token that was near its end when it came (metadata servers hand out what is left of theirs) is renewed in its last tenth.
        return expiry - now >= min(self.earlySeconds, max(self.graceSeconds + 5, (expiry - state.fetchedAt) / 10))
    }
}
