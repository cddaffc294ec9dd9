public import GatewayWire
public import NIOCore
public import Telemetry

/// Plans one request for any of its targets, from what the client sent. Lives with the request, on its loop.
public protocol TargetPlanner: AnyObject {
    /// - Parameter attempt: which attempt it is, from 1; the answer says it (`X-Pellucid-Attempts`).
    func plan(_ target: Int, attempt: Int, _ request: borrowing GatewayRequest) -> TargetPlanning
}

/// What came of planning.
public enum TargetPlanning {
    /// - Parameter responseFields: added to the answer, the model's name first.
    case planned(ModelPlan, body: ByteBuffer, responseFields: [(name: String, value: String)])
    /// The target cannot serve this request; another one may.
    case refused(Rejection)
}

/// Why a target was chosen, for the evidence.
public struct SelectionNote: Sendable {
    public let algorithm: StaticString
    /// The target's name in the configuration.
    public let target: String
    /// Targets that could have been chosen.
    public let candidates: Int
    public let reason: StaticString
    /// Targets that could not, each with why: `name:open, name:tried`; empty: none.
    public let skipped: String

    public init(algorithm: StaticString, target: String, candidates: Int, reason: StaticString, skipped: String) {
        self.algorithm = algorithm
        self.target = target
        self.candidates = candidates
        self.reason = reason
        self.skipped = skipped
    }
}

/// One attempt as it is to be made.
public final class DirectedAttempt {
    public let target: Int
    public let plan: ModelPlan
    /// Taken by the engine for the request it makes, which lets go of it once it is answered.
    public private(set) var body: ByteBuffer
    public let responseFields: [(name: String, value: String)]
    public let timeouts: UpstreamTimeouts
    /// Wait before it, nanoseconds.
    public let pause: UInt64
    public let note: SelectionNote

    public init(
        target: Int, plan: ModelPlan, body: ByteBuffer, responseFields: [(name: String, value: String)], timeouts: UpstreamTimeouts, pause: UInt64, note: SelectionNote
    ) {
        self.target = target
        self.plan = plan
        self.body = body
        self.responseFields = responseFields
        self.timeouts = timeouts
        self.pause = pause
        self.note = note
    }

    func takeBody() -> ByteBuffer {
        let body = self.body
        self.body = ByteBuffer()
        return body
    }
}

/// How a request goes on.
public enum AttemptDirection {
    case attempt(DirectedAttempt)
    /// No target may serve it, or every one refused it.
    case refuse(Rejection)
    /// Every target is out of service: `target:why` of each, for the record.
    case unavailable(skipped: String)
    /// The last attempt's failure is the answer.
    case stop
}

/// What is to be known of an answer before the client sees any of it.
public enum HeadJudgement: Sendable {
    /// Nothing more: it is relayed.
    case pass
    /// That content comes: another target is tried otherwise.
    case firstBytes
    /// That it is whole and valid JSON, up to so many bytes.
    case document(limit: Int)
    /// Nothing: another target is tried. The code is the attempt's `error.type`.
    case decline(code: StaticString)
}

/// How an attempt ended.
public enum AttemptEnding: Sendable, Equatable {
    /// The answer was relayed to its end, whatever its status.
    case served
    /// No usable answer, and the client has seen nothing.
    case failed(UpstreamFailure)
    /// The answer broke off while it was relayed.
    case broken(UpstreamFailure)
    /// The client went away, or the gateway gave up: nobody's failure.
    case cancelled
}

/// What a balancer learns from an attempt. Instants and durations are ``MonotonicClock`` nanoseconds.
public struct AttemptReport: Sendable {
    public var target: Int
    public var ending: AttemptEnding
    /// 0: no head came.
    public var status: Int
    public var startedAt: UInt64
    public var endedAt: UInt64
    public var usage = TokenUsage()
    public var cost = 0.0
    public var firstChunkAt: UInt64 = 0
    public var lastChunkAt: UInt64 = 0
    public var chunkCount: UInt64 = 0

    public init(target: Int, ending: AttemptEnding, status: Int, startedAt: UInt64, endedAt: UInt64) {
        self.target = target
        self.ending = ending
        self.status = status
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}

/// Directs the attempts of one request: which target each goes to, and what an answer or a failure leads to. Used by the engine, on the request's loop.
///
/// Order of calls: `next`, perhaps `hedge`; `judge` when a head came; `ended` exactly once for every attempt that these two gave; `next` again unless the client was served.
public protocol AttemptDirector: AnyObject {
    func next(_ request: borrowing GatewayRequest, now: UInt64) -> AttemptDirection
    /// How long the first attempt may keep the head of its answer back before another target is asked as well, nanoseconds; 0: for ever.
    var hedgeDelay: UInt64 { get }
    /// An attempt beside the one under way, at another target; nil: none is to be made.
    func hedge(_ request: borrowing GatewayRequest, now: UInt64) -> DirectedAttempt?
    func judge(_ head: HTTPResponseHead, _ attempt: DirectedAttempt, now: UInt64) -> HeadJudgement
    /// The answer is being relayed as a stream: nothing is planned again.
    func settled()
    func ended(_ report: AttemptReport)
}

extension AttemptDirector {
    public var hedgeDelay: UInt64 { 0 }
    public func hedge(_ request: borrowing GatewayRequest, now: UInt64) -> DirectedAttempt? { nil }
}
