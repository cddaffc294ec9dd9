/// Where the audit chain stands: what to publish elsewhere, so that a cut-off end of the file is noticed.
public struct AuditHead: Sendable, Equatable {
    /// Sequence number of the last line written to the file, 0 before the first.
    public let seq: UInt64
    /// Its hash, 64 hex digits.
    public let hash: String
    /// The hash's first 48 bits as a number, which a Double holds exactly.
    public var leadingBits: Double { Double(UInt64(self.hash.prefix(12), radix: 16) ?? 0) }
}
