/// How much structure a text may have.
public struct JSONLimits: Sendable, Equatable {
    /// Deepest nesting of arrays and objects; default 128, at most 512 are honoured, since each level takes a stack frame.
    public var depth: Int
    /// Most members of the top-level object; default 4096.
    public var memberCount: Int

    /// - Parameters:
    ///   - depth: Deepest nesting, 1...512.
    ///   - memberCount: Most members of the top-level object.
    public init(depth: Int = 128, memberCount: Int = 4096) {
        self.depth = min(max(depth, 1), 512)
        self.memberCount = memberCount
    }
}
