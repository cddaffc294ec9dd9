public import GatewayCore

/// Configuration of `ai-prompt-guard`. Names, types, limits and defaults: Kong 3.15; rules between fields: kong/plugins/ai-prompt-guard/schema.lua.
public struct AIPromptGuardConfiguration: GatewayConfiguration, Hashable {
    /// A request must match one of these, when there are any. At most 10 of 500 characters.
    public let allowPatterns: [String]
    /// A request that matches one of these is refused.
    public let denyPatterns: [String]
    /// Whether only the last message of the user is looked at (Kong's name says the opposite of history being checked). Default false.
    public let ignoresHistory: Bool
    /// Whether messages of every role are looked at, tool calls and results among them. Default false: the user's.
    public let matchesAllRoles: Bool
    /// The longest body that is looked into, bytes. Default 1 MiB; 0 is no limit of its own.
    public let maximumRequestBodyBytes: Int
    /// What the client speaks. Default openai.
    public let format: PromptFormat
    /// The kind of content. Default text/generation.
    public let category: Category

    public enum Category: String, Sendable, Hashable, CaseIterable {
        case speech = "audio/speech"
        case transcription = "audio/transcription"
        case imageGeneration = "image/generation"
        case realtime = "realtime/generation"
        case textEmbeddings = "text/embeddings"
        case textGeneration = "text/generation"
        case videoGeneration = "video/generation"
    }

    public init(from node: inout ConfigurationNode) {
        self.allowPatterns = node.patterns("allow_patterns", .length(1...500), count: 0...10)
        self.denyPatterns = node.patterns("deny_patterns", .length(1...500), count: 0...10)
        self.ignoresHistory = node.bool("allow_all_conversation_history", default: false)
        self.matchesAllRoles = node.bool("match_all_roles", default: false)
        self.maximumRequestBodyBytes = node.int("max_request_body_size", default: 1_048_576, in: 0...Int.max)
        self.format = node.choice("llm_format", default: .openai)
        self.category = node.choice("genai_category", default: .textGeneration)
        node.requireAtLeastOne(of: "allow_patterns", "deny_patterns")
        if self.matchesAllRoles, self.ignoresHistory {
            node.report("must be false when match_all_roles is true", at: "allow_all_conversation_history")
        }
    }
}
