import CPCRE2
public import GatewayCore

/// Compiles patterns with PCRE2, the engine Kong's regular expressions were written for.
public struct PCRE2PatternCompiler: PatternCompiler {
    /// A compiler.
    public init() {}

    public func compile(_ pattern: String, options: PatternOptions) throws(PatternFailure) -> any CompiledPattern {
        try PCRE2Pattern(pattern, options: options)
    }
}
