/// How a recorded scope ended. Closed and low-cardinality, so a spelling is safe as a metric attribute value.
public enum Outcome: UInt8, Sendable, CaseIterable {
    /// The scope did its work and changed nothing.
    case passed
    /// The scope changed the traffic and let it go on.
    case modified
    /// The scope answered the client itself (cache hit, static response).
    case answered
    /// The scope refused the traffic on purpose (policy, authentication, limit).
    case rejected
    /// The scope could not do its work.
    case failed
    /// The client went away, or a deadline of the gateway ended the scope.
    case cancelled
    /// The scope was dropped without an outcome: a defect, recorded rather than lost.
    case abandoned

    /// The value of `pellucid.stage.outcome` and of the `outcome` metric attribute.
    public var name: StaticString {
        switch self {
        case .passed: "passed"
        case .modified: "modified"
        case .answered: "answered"
        case .rejected: "rejected"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .abandoned: "abandoned"
        }
    }
}
