import GatewayWire
import NIOCore
import Telemetry

/// Hedged requests: where the first target keeps the head of its answer back for too long, a second one is asked as well, and the first good head wins
/// (Dean and Barroso, "The Tail at Scale", Communications of the ACM 56(2), 2013). Only before the client has seen anything.
extension RequestRun {
    /// Stands for all attempts of a race towards the client's side, which ends them when the client leaves.
    fileprivate final class Race: UpstreamExchange, @unchecked Sendable {
        // Unchecked: confined to the request's loop.
        let run: RequestRun
        var attempts: [UpstreamAttempt]
        /// The first one's wait is over.
        var mayHedge = false

        init(_ run: RequestRun, _ first: UpstreamAttempt) {
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
        _ first: UpstreamAttempt, delay: UInt64, _ hedge: () async -> UpstreamAttempt?
    ) async -> UpstreamAttempt {
        let race = Race(self, first)
        self.exchange.servedBy = race
        let winner = await withTaskGroup(of: RaceEvent.self) { group in
            group.addTask { await race.attempts[0].open(race.run, isAlone: false); return .opened(0) }
            group.addTask {
                // Cancelled with the group: then nobody looks at the event.
                try? await Task.sleep(nanoseconds: delay)
                return .waited
            }
            var open = 1
            var fallback: UpstreamAttempt?
            while let event = await group.next() {
                switch event {
                case .waited:
                    guard open > 0, race.attempts.count == 1, !self.exchange.isClosed, let second = await hedge() else { continue }
                    race.attempts.append(second)
                    open += 1
                    group.addTask { await race.attempts[1].open(race.run, isAlone: false); return .opened(1) }
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
    private func lose(_ attempt: UpstreamAttempt) {
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
        attempt.directed?.ended(failure.map { .failed($0) } ?? .cancelled, status: status, startedAt: attempt.startedAt, endedAt: MonotonicClock.now(), &scope)
        scope.finish(failure == nil ? .cancelled : .failed)
    }
}

extension RequestRun.Race {
    fileprivate func cancel(allBut winner: UpstreamAttempt) {
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
