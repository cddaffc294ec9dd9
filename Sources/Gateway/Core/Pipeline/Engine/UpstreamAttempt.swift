import GatewayWire
import NIOCore
import Telemetry

/// One attempt: what is sent, how far it came, and its record. Confined to the request's loop.
///
/// An object: what it holds would otherwise lie in the frames of the request's task, several times over, for the length of a stream.
final class UpstreamAttempt: @unchecked Sendable {
    // Unchecked: see above; the tasks of a race run on that loop too.

    let prepared: PreparedRequest
    let relay: any ResponseRelay
    /// Who may prefer another target to the answer, and learns how the attempt ended; nil: nobody.
    let directed: Directed?
    /// When it began (``MonotonicClock`` nanoseconds).
    let startedAt: UInt64
    private var scope: ScopeRecord?
    private(set) var isOpened = false
    private var isCancelled = false
    var answer: (any UpstreamExchange)?
    /// The answer's head until it is relayed.
    var head: HTTPResponseHead?
    /// Of the head; 0: none has come.
    var status = 0
    /// When the head had come (``MonotonicClock`` nanoseconds; 0: not yet).
    var headAt: UInt64 = 0
    /// What went wrong on the upstream's side.
    var failure: UpstreamFailure?

    init(_ prepared: PreparedRequest, _ relay: any ResponseRelay, _ directed: Directed?, _ scope: consuming ScopeRecord, startedAt: UInt64) {
        self.prepared = prepared
        self.relay = relay
        self.directed = directed
        self.scope = consume scope
        self.startedAt = startedAt
    }

    /// Whether there is a head that nobody would ask another target for.
    var isGood: Bool { self.head.map { $0.status < 400 } ?? false }

    /// Sends the request and waits for the head.
    ///
    /// - Parameter isAlone: no other attempt is under way.
    func open(_ run: RequestRun, isAlone: Bool) async {
        self.isOpened = true
        guard let scope = self.scope.take() else { return }
        do throws(UpstreamFailure) {
            let answer = try await run.send(self.prepared, below: scope)
            self.answer = answer
            if self.isCancelled { throw .cancelled }
            if isAlone { run.serve(by: answer) }
            self.head = try await answer.readHead()
        } catch { self.failure = error }
        self.scope = consume scope
    }

    /// What is under way ends at once; ``open(_:isAlone:)`` returns then.
    func cancel() {
        self.isCancelled = true
        self.answer?.cancel()
    }

    /// Records what came of a race, on an attempt that was not alone.
    func note(_ result: StaticString) {
        guard var scope = self.scope.take() else { return }
        scope.withAttempt { attempt, _ in attempt.hedge = EvidenceText(result) }
        scope.set(AttributeNames.balancerHedge, .name(result))
        self.scope = consume scope
    }

    /// Records that the client's answer comes from here, and not from an attempt beside it.
    func answers() {
        guard let scope = self.scope.take() else { return }
        scope.answers()
        self.scope = consume scope
    }

    /// The record, for who goes on with the attempt; nil: somebody has it.
    func takeScope() -> ScopeRecord? { self.scope.take() }
    func giveBack(_ scope: consuming ScopeRecord) { self.scope = consume scope }
}
