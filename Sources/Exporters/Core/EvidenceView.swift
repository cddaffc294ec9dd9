internal import Telemetry

/// A request's evidence with its parts at hand: read once from the object, because every access to a class costs a check and a count.
///
/// Valid only while the evidence is, so it never outlives a call.
struct EvidenceView {
    let root: RootEvidence
    let scopes: [ScopeEvidence]
    let attempts: [AttemptEvidence]
    let stages: [StageIdentity]
    let route: RouteIdentity?
    let consumer: ConsumerIdentity?
    let configurationHash: String
    private let evidence: RequestEvidence
    private let base: UnsafeRawPointer

    init(_ evidence: RequestEvidence) {
        self.evidence = evidence
        self.root = evidence.root
        self.scopes = evidence.scopes
        self.attempts = evidence.attempts
        self.stages = evidence.stages
        self.route = evidence.route
        self.consumer = evidence.consumer
        self.configurationHash = evidence.configurationHash
        self.base = evidence.textBase
    }

    @inline(__always)
    func bytes(of text: EvidenceText) -> UnsafeRawBufferPointer { text.bytes(in: self.base) }

    /// Calendar time of a monotonic instant of this request, nanoseconds since the epoch.
    @inline(__always)
    func wall(_ monotonic: UInt64) -> UInt64 { self.root.startWall &+ (monotonic &- self.root.startMonotonic) }

    @inline(__always)
    func forEachAttribute(of scope: ScopeEvidence, _ body: (StaticString, AttributeValue) -> Void) { self.evidence.forEachAttribute(of: scope, body) }
}
