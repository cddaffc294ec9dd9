public import GatewayCore

/// Configuration of `ai-prompt-decorator`. Names, types, limits and defaults: Kong 3.15.
public struct AIPromptDecoratorConfiguration: GatewayConfiguration, Hashable {
    /// Messages put before the client's, in this order. At most 15.
    public let prepended: [Message]
    /// Messages put behind the client's, in this order. At most 15.
    public let appended: [Message]
    /// The longest body that is looked into, bytes. Default 1 MiB; 0 is no limit of its own.
    public let maximumRequestBodyBytes: Int
    /// What the client speaks. Default openai.
    public let format: PromptFormat

    /// One message.
    public struct Message: Sendable, Hashable {
        /// Default system.
        public let role: Role
        /// 1 to 100,000 characters.
        public let content: String
    }

    public enum Role: String, Sendable, Hashable, CaseIterable { case assistant, system, user }

    public init(from node: inout ConfigurationNode) {
        let prompts = node.object("prompts") { prompts in
            let lists = (Self.messages("prepend", &prompts), Self.messages("append", &prompts))
            prompts.requireAtLeastOne(of: "prepend", "append")
            return lists
        }
        if prompts == nil { node.report("needs prepend, append or both", at: "prompts") }
        self.prepended = prompts?.0 ?? []
        self.appended = prompts?.1 ?? []
        self.maximumRequestBodyBytes = node.int("max_request_body_size", default: 1_048_576, in: 0...Int.max)
        self.format = node.choice("llm_format", default: .openai)
    }

    private static func messages(_ key: String, _ node: inout ConfigurationNode) -> [Message] {
        node.objects(key, count: 0...15) { message in
            Message(role: message.choice("role", default: .system), content: message.requiredString("content", .length(1...100_000)))
        }
    }
}
