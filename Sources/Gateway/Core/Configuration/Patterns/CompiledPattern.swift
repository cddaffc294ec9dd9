/// A compiled regular expression. Safe to use from any thread.
public protocol CompiledPattern: Sendable {
    /// Number of capturing groups, the whole match not counted.
    var groupCount: Int { get }
    /// Names of groups with their numbers (from 1), in alphabetical order.
    var groupNames: [PatternGroupName] { get }
    /// The first match at or after `start`, with its groups.
    func firstMatch(in subject: UnsafeRawBufferPointer, from start: Int) throws(PatternFailure) -> PatternMatch?
    /// The range of the first match only; allocates nothing.
    func firstRange(in subject: UnsafeRawBufferPointer, from start: Int) throws(PatternFailure) -> Range<Int>?
}

extension CompiledPattern {
    /// The first match, with its groups.
    public func firstMatch(in subject: UnsafeRawBufferPointer) throws(PatternFailure) -> PatternMatch? {
        try self.firstMatch(in: subject, from: 0)
    }

    /// Whether the pattern matches anywhere; false also when a limit stopped it.
    public func matches(_ subject: UnsafeRawBufferPointer) -> Bool {
        ((try? self.firstRange(in: subject, from: 0)) ?? nil) != nil
    }

    /// The first match in a string.
    public func firstMatch(in subject: String) throws(PatternFailure) -> PatternMatch? {
        let bytes = Array(subject.utf8)
        let result: Result<PatternMatch?, PatternFailure> = bytes.withUnsafeBytes { buffer in
            do throws(PatternFailure) { return .success(try self.firstMatch(in: buffer, from: 0)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
