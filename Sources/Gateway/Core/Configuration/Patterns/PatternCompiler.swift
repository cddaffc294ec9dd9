/// Compiles regular expressions. Core knows no engine: the gateway injects PCRE2.
public protocol PatternCompiler: Sendable {
    /// Compiles `pattern`.
    ///
    /// - Throws: ``PatternFailure/invalid(problem:offset:)`` with the byte where the pattern is wrong.
    func compile(_ pattern: String, options: PatternOptions) throws(PatternFailure) -> any CompiledPattern
}
