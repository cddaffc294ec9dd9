/// Takes the finished spans of libraries. Called from any thread; never waits.
public protocol LibrarySpanSink: Sendable {
    func take(_ span: LibrarySpan)
    /// Hands on what is collected without waiting for its time.
    func flush()
}

/// Takes the log records of libraries. Called from any thread; never waits.
public protocol LibraryLogSink: Sendable {
    func take(_ record: LibraryLogRecord)
}
