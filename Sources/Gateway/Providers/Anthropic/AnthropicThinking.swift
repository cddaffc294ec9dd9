import GatewayCore

/// How much one of Anthropic's models is to think, on whichever API: models up to Claude 4.5 take a budget, later ones an effort
/// (https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking).
struct AnthropicThinking {
    enum Mode: Equatable {
        /// The request says nothing of it.
        case unsaid
        case disabled
        case adaptive
        case budget(Int)
    }

    /// The API asks for a limit; this one applies where neither client nor configuration gives any. Every model since Claude 3 can write as much.
    static let defaultMaximumTokens = 4_096
    /// The smallest budget the API takes.
    private static let leastBudget = 1_024
    /// What an answer needs beside the smallest budget, or there is no point in thinking.
    private static let leastAnswer = 256

    private(set) var mode = Mode.unsaid
    /// For `output_config`, of models that think adaptively.
    private(set) var effort: ChatText?
    /// The limit of thoughts and answer together, which the client's own goes before.
    private(set) var defaultMaximum = AnthropicThinking.defaultMaximumTokens

    init(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) {
        let isAdaptive = AnthropicThinking.isAdaptive(encoding.model)
        guard let reasoning = request.reasoning, let wanted = reasoning.isAdaptive && isAdaptive ? -1 : reasoning.budgetTokens else { return }
        if wanted == 0 {
            self.mode = .disabled
        } else if wanted < 0 || isAdaptive {
            // An effort counts without thoughts too.
            if wanted > 0 || reasoning.effort != nil { self.effort = reasoning.effortName.map { $0.equals("minimal") ? ChatText("low" as StaticString) : $0 } }
            if request.forcesTools { try encoding.drop(request.reasoningField) } else { self.mode = .adaptive }
        } else if request.forcesTools {
            try encoding.drop(request.reasoningField)
        } else if let budget = AnthropicThinking.budget(wanted, request.maximumTokens) {
            self.mode = .budget(budget)
            self.defaultMaximum += budget
        } else {
            try encoding.drop("\(request.reasoningField) with fewer than \(AnthropicThinking.leastBudget + AnthropicThinking.leastAnswer) max_tokens")
        }
    }

    /// What of a wanted budget a limit has room for: a limit that the budget would use up leaves the answer half of itself, or what the smallest budget
    /// leaves. Nil: there is no room for both.
    static func budget(_ wanted: Int, _ limit: ChatNumber?) -> Int? {
        let wanted = max(AnthropicThinking.leastBudget, min(wanted, .max - AnthropicThinking.defaultMaximumTokens))
        guard let limit else { return wanted }
        let maximum = limit.int ?? AnthropicThinking.defaultMaximumTokens
        if maximum >= wanted + AnthropicThinking.leastAnswer { return wanted }
        return maximum >= AnthropicThinking.leastBudget + AnthropicThinking.leastAnswer ? max(AnthropicThinking.leastBudget, maximum / 2) : nil
    }

    /// Whether thoughts come with the answer.
    var isOn: Bool {
        switch self.mode {
        case .adaptive, .budget: true
        case .unsaid, .disabled: false
        }
    }

    /// Whether a model's name says Claude 4.6 or later, as `claude-opus-4-6` does.
    static func isAdaptive(_ model: String) -> Bool { AnthropicModel.version(model).map { $0 >= (4, 6) } ?? false }
}

extension ChatRequest {
    /// Whether the model has to call a tool, which the API takes no thoughts with
    /// (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#feature-compatibility). The choice is what a client asked for by name, thoughts are the means: they give way.
    fileprivate var forcesTools: Bool {
        switch self.toolChoice {
        case .required, .function: !self.tools.isEmpty
        case .auto, .some(.none), .other, nil: false
        }
    }

    /// The member that asks for thoughts, as the client's format calls it.
    fileprivate var reasoningField: String {
        switch self.origin {
        case .openai, .huggingface: self.extras.first { $0.key == "reasoning" || $0.key == "thinking" }?.key ?? "reasoning_effort"
        case .anthropic: self.reasoning?.budget == nil && self.reasoning?.isAdaptive != true ? "output_config.effort" : "thinking"
        case .bedrock: "additionalModelRequestFields.thinking"
        case .cohere: "thinking"
        case .gemini: "generationConfig.thinkingConfig"
        case .ollama: "think"
        }
    }
}
