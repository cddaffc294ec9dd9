public import GatewayCore

/// Configuration of `ai-llm-as-judge`. Names, types, limits and defaults: Kong 3.15.
public struct AILLMAsJudgeConfiguration: GatewayConfiguration, Hashable {
    /// What the judge is told to do.
    public let prompt: String
    public let llm: AIProxyAdvancedConfiguration.Target
    public let timeoutMilliseconds: Int
    public let verifiesTLS: Bool
    public let httpProxyHost: String?
    public let httpProxyPort: Int?
    public let httpsProxyHost: String?
    public let httpsProxyPort: Int?
    public let ignoresSystem: Bool
    public let ignoresAssistant: Bool
    public let ignoresTool: Bool
    /// Messages, from the last one backwards, that the judge sees.
    public let messageCount: Int
    /// Share of the answers that are judged.
    public let samplingRate: Double

    static let defaultPrompt =
        "You are a strict evaluator. You will be given a prompt and a response. Your task is to judge whether the response is correct or incorrect. You must assign a score "
        + "between 1 and 100, where: 100 represents a completely correct and ideal response, 1 represents a completely incorrect or irrelevant response. Your score must be a "
        + "single number only — no text, labels, or explanations. Use the full range of values (e.g., 13, 47, 86), not just round numbers like 10, 50, or 100. Be accurate and "
        + "consistent, as this score will be used by another model for learning and evaluation."

    public init(from node: inout ConfigurationNode) {
        self.prompt = node.string("prompt", default: Self.defaultPrompt)
        self.llm = node.requiredObject("llm") { AIProxyAdvancedConfiguration.Target(from: &$0) }
        self.timeoutMilliseconds = node.int("http_timeout", default: 60_000, in: 0...Int.max)
        self.verifiesTLS = node.bool("https_verify", default: true)
        self.httpProxyHost = node.optionalString("http_proxy_host")
        self.httpProxyPort = node.optionalInt("http_proxy_port", in: 0...65_535)
        self.httpsProxyHost = node.optionalString("https_proxy_host")
        self.httpsProxyPort = node.optionalInt("https_proxy_port", in: 0...65_535)
        self.ignoresSystem = node.bool("ignore_system_prompts", default: true)
        self.ignoresAssistant = node.bool("ignore_assistant_prompts", default: true)
        self.ignoresTool = node.bool("ignore_tool_prompts", default: true)
        self.messageCount = Int(node.number("message_countback", default: 1, in: 1...1000))
        self.samplingRate = node.number("sampling_rate", default: 1, in: 0...1)
        if self.llm.logging.logsPayloads || self.llm.logging.logsStatistics { node.warn("has no effect: a judge's own traffic stands in its span only", at: "llm.logging") }
        if self.llm.auth.allowsOverride { node.warn("has no effect: no client's credential is sent to a judge", at: "llm.auth.allow_override") }
    }
}
