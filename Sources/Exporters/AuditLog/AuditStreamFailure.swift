/// Why the audit file could not be opened.
public struct AuditStreamFailure: Error, Sendable, CustomStringConvertible {
    /// Bounded: `no_such_directory`, `not_permitted`, `disk_full`, …
    public let code: StaticString
    public let path: String

    public var description: String { "the audit file \(self.path) cannot be opened: \(self.code)" }
}
