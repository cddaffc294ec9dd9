import GatewayCore

/// What a client speaks: Kong's `llm_format`. Says where a request holds the text a model sees.
public enum PromptFormat: String, Sendable, Hashable, CaseIterable {
    case openai, anthropic, bedrock, cohere, gemini, huggingface

    /// How a refusal is shaped for such a client.
    var refusalShape: Rejection.Shape {
        self == .openai ? .openAI(type: "invalid_request_error", parameter: nil) : .model(ModelFormat(rawValue: self.rawValue) ?? .openai, parameter: nil)
    }
}
