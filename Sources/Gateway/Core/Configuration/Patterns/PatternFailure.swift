/// Why a regular expression could not be compiled or run.
public enum PatternFailure: Error, Sendable, Hashable {
    /// The pattern is wrong: what, and at which byte.
    case invalid(problem: String, offset: Int)
    /// The match, depth or heap limit was reached; the pattern is too costly for this subject.
    case limitExceeded
    /// The engine failed for another reason (no memory).
    case failed
}
