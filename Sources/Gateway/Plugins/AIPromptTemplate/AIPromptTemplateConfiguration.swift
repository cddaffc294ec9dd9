public import GatewayCore

/// Configuration of `ai-prompt-template`. Names, types and defaults: Kong 3.15.
public struct AIPromptTemplateConfiguration: GatewayConfiguration, Hashable {
    /// The templates clients may name.
    public let templates: [Template]
    /// Whether requests that name no template pass. Default true.
    public let allowsUntemplatedRequests: Bool
    /// Whether the request as the client sent it is recorded. Default false.
    public let logsOriginalRequest: Bool
    /// The longest body that is looked into, bytes. Default 1 MiB; 0 is no limit of its own.
    public let maximumRequestBodyBytes: Int

    /// A template: JSON with `{{placeholders}}`.
    public struct Template: Sendable, Hashable {
        public let name: String
        public let text: String
    }

    public init(from node: inout ConfigurationNode) {
        if !node.isPresent("templates") { node.report("is required", at: "templates") }
        self.templates = node.objects("templates") { Template(name: $0.requiredString("name"), text: $0.requiredString("template")) }
        self.allowsUntemplatedRequests = node.bool("allow_untemplated_requests", default: true)
        self.logsOriginalRequest = node.bool("log_original_request", default: false)
        self.maximumRequestBodyBytes = node.int("max_request_body_size", default: 1_048_576, in: 0...Int.max)
        var names: Set<String> = []
        for (index, template) in self.templates.enumerated() where !names.insert(template.name).inserted {
            node.report("\"\(template.name)\" names a template already", at: "templates[\(index)].name")
        }
    }
}
