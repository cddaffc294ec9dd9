#if canImport(Glibc)
    import Glibc
#endif

/// Why the spool cannot be used, in a bounded spelling.
struct SpoolFailure: Error, Equatable {
    /// `disk_full`, `not_permitted`, `in_use`, `corrupt`, …
    let code: StaticString

    init(_ code: StaticString) { self.code = code }
    init(errno code: Int32) { self.code = AppendFileError.name(code) }

    static func == (a: SpoolFailure, b: SpoolFailure) -> Bool { a.code.description == b.code.description }
}
