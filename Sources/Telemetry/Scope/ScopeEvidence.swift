/// What a scope is: an in-process stage, one upstream attempt, or one call to an outside service.
public enum ScopeKind: UInt8, Sendable { case stage, attempt, call }

/// One finished (or still open) scope below the root, as exporters see it. Times are nanoseconds of ``MonotonicClock``.
public struct ScopeEvidence: Sendable {
    public internal(set) var kind: ScopeKind
    public internal(set) var outcome = Outcome.abandoned
    public internal(set) var verdict = StageVerdict.none
    public internal(set) var action = StageAction.continue
    public internal(set) var isOpen = true
    public internal(set) var spanID: UInt64
    /// Span id of the scope this one is nested in, the root's for a top-level scope.
    public internal(set) var parentSpanID: UInt64
    public internal(set) var start: UInt64
    public internal(set) var end: UInt64 = 0
    /// Time spent in the stage's own code; equals the wall time for a request stage, less for a stream stage.
    public internal(set) var busy: UInt64 = 0
    /// Bytes, and tokens by the estimate of docs/tokens.md, that a stage added to the body; negative for what it took out. Tokens are told of stages that may change text.
    public internal(set) var bytesDelta: Int64 = 0
    public internal(set) var tokensDelta: Int64 = 0
    public internal(set) var eventCount: UInt64 = 0
    public internal(set) var errorType = EvidenceText()
    /// Name of a call (`guard_check azure`), empty for stages, which are named by their identity.
    public internal(set) var callName = EvidenceText()
    /// Index into ``RequestEvidence/stages`` of a stage's identity, or into ``RequestEvidence/attempts``.
    public internal(set) var detail: UInt16
    var firstAttribute: UInt16 = .max
    var lastAttribute: UInt16 = .max
}

/// One plugin-written field: key and value, chained per scope.
struct AttributeSlot: Sendable {
    var key: StaticString
    var value: AttributeValue
    var next: UInt16
}

/// A recorded value; text lies in the arena.
public enum AttributeValue: Sendable {
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case text(EvidenceText)
    /// Texts with a zero byte between each two.
    case list(EvidenceText)
}
