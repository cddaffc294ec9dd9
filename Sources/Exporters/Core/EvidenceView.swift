internal import Telemetry

/// A request's evidence with its parts at hand: read once from the object, because every access to a class costs a check and a count.
///
/// It holds no references, so it is valid only while the evidence is and nobody writes to it: it never outlives a call.
struct EvidenceView {
    let root: RootEvidence
    let scopes: UnsafeBufferPointer<ScopeEvidence>
    let attempts: UnsafeBufferPointer<AttemptEvidence>
    let stages: UnsafeBufferPointer<StageIdentity>
    unowned(unsafe) let route: RouteIdentity?
    unowned(unsafe) let consumer: ConsumerIdentity?
    private unowned(unsafe) let evidence: RequestEvidence
    private let base: UnsafeRawPointer

    var configurationHash: String { self.evidence.configurationHash }

    init(_ evidence: RequestEvidence) {
        self.evidence = evidence
        self.root = evidence.root
        self.scopes = evidence.scopes.withUnsafeBufferPointer { $0 }
        self.attempts = evidence.attempts.withUnsafeBufferPointer { $0 }
        self.stages = evidence.stages.withUnsafeBufferPointer { $0 }
        self.route = evidence.route
        self.consumer = evidence.consumer
        self.base = evidence.textBase
    }

    @inline(__always)
    func bytes(of text: EvidenceText) -> UnsafeRawBufferPointer { text.bytes(in: self.base) }

    /// Calendar time of a monotonic instant of this request, nanoseconds since the epoch.
    @inline(__always)
    func wall(_ monotonic: UInt64) -> UInt64 { self.root.startWall &+ (monotonic &- self.root.startMonotonic) }

    /// Whether an attempt is one of Kong's `tries` in the state "failed": it was followed by another, or it is the last and got no answer, after which Kong has used
    /// up its retries too (kong/runloop/handler.lua). What lost a race against another target was called off and has not failed.
    func hasFailed(attempt scope: ScopeEvidence) -> Bool {
        switch scope.outcome {
        case .failed, .abandoned: true
        case .cancelled: false
        // Of two that were asked at once each has an outcome of its own, in any order.
        default: self.attempts[Int(scope.detail)].hedge.isEmpty && Int(scope.detail) != self.root.answeringAttempt(of: self.attempts.count)
        }
    }

    @inline(__always)
    func forEachAttribute(of scope: ScopeEvidence, _ body: (StaticString, AttributeValue) -> Void) { self.evidence.forEachAttribute(of: scope, body) }
}
