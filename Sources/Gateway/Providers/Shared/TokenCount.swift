import GatewayWire

/// What providers say of tokens. Their numbers are added up, and nobody vouches for them.
enum TokenCount {
    /// Far more than any answer has, and so little that thousands of such numbers can be added without a check.
    static let most = 1 << 48

    static func clamped(_ number: Int) -> Int { min(max(number, 0), self.most) }

    /// The reasoning that the output does not include: xAI counts it apart, which only its total shows (https://docs.x.ai/docs/guides/reasoning), while OpenAI's output
    /// includes it.
    @inline(__always)
    static func uncountedReasoning<Count: FixedWidthInteger>(total: Count, _ input: Count, _ output: Count, _ reasoning: Count) -> Count {
        reasoning > 0 && total == input + output + reasoning ? reasoning : 0
    }
}

extension JSONView {
    /// The value as a number of tokens.
    var tokens: Int? { self.int.map { TokenCount.clamped($0) } }
}

extension JSONWalk {
    /// The next value as a number of tokens; 0 where it is none, and where it has more digits than the walk reads.
    @inline(__always)
    mutating func tokens() -> Int64 { Int64(TokenCount.clamped(self.int() ?? 0)) }
}
