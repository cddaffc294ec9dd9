/// How a pattern is compiled and what one match may cost.
public struct PatternOptions: Sendable, Hashable {
    /// Whether letter case is ignored.
    public var isCaseless = false
    /// Whether a match must begin at the first byte searched.
    public var isAnchored = false
    /// Whether pattern and subject are UTF-8 text instead of bytes: `.` is a character, classes and case know all of Unicode.
    public var isUnicode = false
    /// Backtracking steps one match may take. Default 100,000: milliseconds, not minutes.
    public var matchLimit = 100_000
    /// Nested backtracking one match may hold. Default 10,000.
    public var depthLimit = 10_000
    /// Heap one match may use, in KiB. Default 1,024.
    public var heapLimitKibibytes = 1_024

    /// Time one search may take, in milliseconds; 0, the default: only the steps at each place are limited, and a long subject has many places.
    public var timeLimitMilliseconds = 0

    /// The defaults.
    public init() {}

    /// The defaults with case, anchoring and kind of text chosen.
    public init(isCaseless: Bool = false, isAnchored: Bool = false, isUnicode: Bool = false) {
        self.isCaseless = isCaseless
        self.isAnchored = isAnchored
        self.isUnicode = isUnicode
    }
}
