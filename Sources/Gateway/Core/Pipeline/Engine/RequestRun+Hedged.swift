import GatewayWire
import NIOCore
import Telemetry

/// Hedged requests: where the first target keeps the head of its answer back for too long, a second one is asked as well, and the first good head wins
/// (Dean and Barroso, "The Tail at Scale", Communications of the ACM 56(2), 2013). Only before the client has seen anything.
extension RequestRun {
    /// An attempt that is under way beside another one, up to the head of its answer. Confined to the request's loop.
    final class RacingAttempt: @unchecked Sendable {
        let directed: Directed
        let prepared: PreparedRequest
        let relay: ModelRelay
        let startedAt = MonotonicClock.now()
        private var scope: ScopeRecord?
        private(set) var answer: (any UpstreamExchange)?
        private(set) var head: HTTPResponseHead?
        private(set) var failure: UpstreamFailure?
        private var isCancelled = false

        init(_ directed: Directed, _ prepared: PreparedRequest, _ relay: ModelRelay, _ scope: consuming ScopeRecord) {
            self.directed = directed
            self.prepared = prepared
            self.relay = relay
            self.scope = consume scope
        }

        /// Whether there is a head that nobody would ask another target for.
        var isGood: Bool { self.head.map { $0.status < 400 } ?? false }

        /// Sends the request and waits for the head.
        func open(_ run: RequestRun) async {
            guard let scope = self.scope.take() else { return }
            do throws(UpstreamFailure) {
                let answer = try await run.send(self.prepared, below: scope)
                self.answer = answer
                if self.isCancelled { throw .cancelled }
                self.head = try await answer.readHead()
            } catch { self.failure = error }
            self.scope = consume scope
        }

        /// What is under way ends at once; ``open(_:)`` returns then.
        func cancel() {
            self.isCancelled = true
            self.answer?.cancel()
        }

        /// Records what came of the race, on an attempt that was not alone.
        func note(_ result: StaticString) {
            guard var scope = self.scope.take() else { return }
            scope.withAttempt { attempt, _ in attempt.hedge = EvidenceText(result) }
            scope.set(AttributeNames.balancerHedge, .name(result))
            self.scope = consume scope
        }

        /// The record, for who goes on with the attempt.
        func takeScope() -> ScopeRecord? { self.scope.take() }
    }

    /// Stands for all attempts of a race towards the client's side, which ends them when the client leaves.
    fileprivate final class Race: UpstreamExchange, @unchecked Sendable {
        // Unchecked: confined to the request's loop.
        let run: RequestRun
        var attempts: [RacingAttempt]
        /// The first one's wait is over.
        var mayHedge = false

        init(_ run: RequestRun, _ first: RacingAttempt) {
            self.run = run
            self.attempts = [first]
        }

        let isConnectionReused = false
        let peerAddress = ""
        let connectedAt: UInt64 = 0
        let sentAt: UInt64 = 0
        let requestBytes = 0
        let responseBytes = 0
        let trailers: HTTPFields? = nil
        func readHead() async throws(UpstreamFailure) -> HTTPResponseHead { throw .cancelled }
        func readBody() async throws(UpstreamFailure) -> ByteBuffer? { throw .cancelled }
        func pollBody() throws(UpstreamFailure) -> BodyPoll { throw .cancelled }

        func cancel() {
            for attempt in self.attempts { attempt.cancel() }
        }
    }

    private enum RaceEvent: Sendable { case opened(Int), waited }

    /// Makes the first attempt, and a second one where that is slow.
    ///
    /// - Returns: the attempt to go on with, and how long the race had lasted when that one began.
    func race(
        _ first: RacingAttempt, delay: UInt64, _ hedge: () async -> RacingAttempt?
    ) async -> RacingAttempt {
        let race = Race(self, first)
        self.exchange.servedBy = race
        let winner = await withTaskGroup(of: RaceEvent.self) { group in
            group.addTask { await race.attempts[0].open(race.run); return .opened(0) }
            group.addTask {
                // Cancelled with the group: then nobody looks at the event.
                try? await Task.sleep(nanoseconds: delay)
                return .waited
            }
            var open = 1
            var fallback: RacingAttempt?
            while let event = await group.next() {
                switch event {
                case .waited:
                    guard open > 0, race.attempts.count == 1, !self.exchange.isClosed, let second = await hedge() else { continue }
                    race.attempts.append(second)
                    open += 1
                    group.addTask { await race.attempts[1].open(race.run); return .opened(1) }
                case .opened(let index):
                    open -= 1
                    let attempt = race.attempts[index]
                    // An answer beats a failure, and of two answers that are no success the first.
                    if attempt.isGood || open == 0 {
                        race.cancel(allBut: attempt.isGood ? attempt : fallback ?? attempt)
                        group.cancelAll()
                        while open > 0, let rest = await group.next() { if case .opened = rest { open -= 1 } }
                        return attempt.isGood ? attempt : fallback ?? attempt
                    }
                    if attempt.head != nil { fallback = attempt }
                }
            }
            return fallback ?? first
        }
        self.exchange.servedBy = nil
        if race.attempts.count > 1 {
            for attempt in race.attempts { attempt.note(attempt === winner ? "won" : "lost") }
        }
        for attempt in race.attempts where attempt !== winner { self.lose(attempt) }
        if winner !== first {
            // What passed before the winner began is the upstream's time as well.
            self.upstreamNanoseconds &+= winner.startedAt &- first.startedAt
            self.upstreamWaitNanoseconds &+= winner.startedAt &- first.startedAt
        }
        return winner
    }

    /// Records an attempt that came too late, or failed while the other one was under way. What its provider counted is not known.
    private func lose(_ attempt: RacingAttempt) {
        guard var scope = attempt.takeScope() else { return }
        attempt.answer?.cancel()
        let status = attempt.head?.status ?? 0
        var failure = attempt.failure
        if failure == nil, status >= 400 { failure = .declined(code: FailureCode.of(status)) }
        if failure == .cancelled { failure = nil }
        scope.withAttempt { record, evidence in
            if let answer = attempt.answer { RequestRun.describe(answer, &record, evidence) }
            record.status = UInt16(clamping: status)
            record.errorType = failure.map { EvidenceText($0.code) } ?? EvidenceText(self.isClientGone ? "client_closed" : "hedge_lost")
        }
        if let failure { scope.fail(failure.code) }
        attempt.directed.ended(failure.map { .failed($0) } ?? .cancelled, status: status, startedAt: attempt.startedAt, &scope)
        scope.finish(failure == nil ? .cancelled : .failed)
    }
}

extension RequestRun.Race {
    fileprivate func cancel(allBut winner: RequestRun.RacingAttempt) {
        for attempt in self.attempts where attempt !== winner { attempt.cancel() }
    }
}

/// Statuses as codes of a closed set.
private enum FailureCode {
    static func of(_ status: Int) -> StaticString {
        switch status {
        case 403: "403"
        case 404: "404"
        case 429: "429"
        case 500: "500"
        case 502: "502"
        case 503: "503"
        case 504: "504"
        case 400..<500: "4xx"
        default: "5xx"
        }
    }
}
