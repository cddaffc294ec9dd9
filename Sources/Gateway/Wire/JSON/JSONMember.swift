/// One member of an object.
public struct JSONMember: Sendable, Equatable {
    /// The key, with its quotes.
    public let key: JSONSpan
    /// The value.
    public let value: JSONSpan
    /// Whether an earlier member has the same key, escapes decoded. Only a scan of the top level tells; the last one counts.
    public let isDuplicate: Bool
}
