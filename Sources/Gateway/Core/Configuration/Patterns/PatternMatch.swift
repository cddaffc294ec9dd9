/// Where a regular expression matched: byte ranges of the whole match and of each group.
public struct PatternMatch: Sendable, Hashable {
    /// The whole match.
    public let range: Range<Int>
    /// Group 1 and up; nil where a group took no part.
    public let groups: [Range<Int>?]

    /// A match.
    public init(range: Range<Int>, groups: [Range<Int>?]) {
        self.range = range
        self.groups = groups
    }
}
