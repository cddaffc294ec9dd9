import GatewayCore

/// Which of a request's sampling members go to one of Anthropic's models, on whichever API; the others are named as dropped.
///
/// - Models that think take the usual temperature alone, a `top_p` from 0.95 on, and no `top_k`
///   (https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility).
/// - Claude 4.7 and later take nothing but the usual values
///   (https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-7#sampling-parameters-removed).
/// - Those from Claude 4.1 on take `temperature` or `top_p`, not both (https://platform.claude.com/docs/en/about-claude/models/migration-guide).
struct AnthropicSampling {
    private(set) var temperature: ChatNumber?
    private(set) var topP: ChatNumber?
    private(set) var topK: ChatNumber?

    /// What the models use where a request says nothing.
    private static let usual = 1.0
    /// The least `top_p` beside thoughts.
    private static let leastThinkingTopP = 0.95

    init(_ request: ChatRequest, isThinking: Bool, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        let version = AnthropicModel.version(encoding.model) ?? (0, 0)
        let takesNone = version >= (4, 7)
        if let temperature = request.temperature {
            // OpenAI's range is 0 to 2, Anthropic's 0 to 1.
            let isTooHigh = temperature.double ?? 0 > 1
            try encoding.drop("temperature above 1", if: isTooHigh)
            self.temperature = isTooHigh ? ChatNumber(1) : temperature
            if takesNone || isThinking {
                try encoding.drop("temperature", if: self.temperature?.double != Self.usual)
                self.temperature = nil
            }
        }
        if let topP = request.topP {
            let isTaken = takesNone ? topP.double == Self.usual : !isThinking || (topP.double ?? 0) >= Self.leastThinkingTopP
            try encoding.drop("top_p", if: !isTaken)
            if isTaken, !takesNone { self.topP = topP }
        }
        if takesNone || isThinking { try encoding.drop("top_k", if: request.topK != nil) } else { self.topK = request.topK }
        guard version >= (4, 1), let temperature = self.temperature, let topP = self.topP else { return }
        // The one that says something.
        if topP.double != Self.usual, temperature.double == Self.usual {
            self.temperature = nil
        } else {
            try encoding.drop("top_p", if: topP.double != Self.usual)
            self.topP = nil
        }
    }
}

/// What the name of one of Anthropic's models says.
enum AnthropicModel {
    /// The version of a Claude model: (4, 6) of `claude-opus-4-6`, (4, 0) of `claude-opus-4-20250514`, (3, 5) of `claude-3-5-sonnet`; nil: none is told.
    ///
    /// - Parameter model: as any API calls it: `us.anthropic.claude-…-v1:0`, `claude-…@20250929`.
    static func version(_ model: String) -> (major: Int, minor: Int)? {
        guard model.contains("claude") else { return nil }
        let numbers = model.prefix { $0 != "@" }.split(separator: "-").compactMap { part in part.utf8.count <= 2 ? Int(part) : nil }
        return numbers.first.map { ($0, numbers.count > 1 ? numbers[1] : 0) }
    }
}
