import GatewayWire
import NIOCore

/// What providers say of tokens. Their numbers are added up, and nobody vouches for them.
enum TokenCount {
    /// Far more than any answer has, and so little that thousands of such numbers can be added without a check.
    static let most = 1 << 48

    static func clamped(_ number: Int) -> Int { min(max(number, 0), self.most) }

    /// What a session has used so far and what one more answer has: never less than before, whatever a provider claims.
    static func sum(_ total: Int64, _ view: JSONView?) -> Int64 {
        let (sum, isTooMuch) = total.addingReportingOverflow(Int64(view?.tokens ?? 0))
        return isTooMuch ? .max : sum
    }

    /// The reasoning that the output does not include: xAI counts it apart, which only its total shows (https://docs.x.ai/docs/guides/reasoning), while OpenAI's output
    /// includes it.
    @inline(__always)
    static func uncountedReasoning<Count: FixedWidthInteger>(total: Count, _ input: Count, _ output: Count, _ reasoning: Count) -> Count {
        reasoning > 0 && total == input + output + reasoning ? reasoning : 0
    }
}

extension JSONView {
    /// The value as a number of tokens; nil where it is no integer.
    var tokens: Int? {
        if let int = self.int { return TokenCount.clamped(int) }
        // More digits than an Int has: a claim as any other that is too high.
        return self.span.isInteger ? self.raw.readableBytesView.first == UInt8(ascii: "-") ? 0 : TokenCount.most : nil
    }
}

extension JSONWalk {
    /// The next value as a number of tokens; 0 where it is no integer.
    @inline(__always)
    mutating func tokens() -> Int64 { Int64(TokenCount.clamped(self.int() ?? 0)) }
}
