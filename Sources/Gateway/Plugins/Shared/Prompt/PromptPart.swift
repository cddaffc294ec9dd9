import GatewayWire

/// One text of a request as a model sees it: a string value, with who says it.
struct PromptPart {
    /// Who says it. Formats spell these differently; unknown roles are `other`.
    enum Role { case user, assistant, system, tool, other }

    /// What it is to the model.
    enum Kind { case content, toolArguments, toolResult }

    let role: Role
    let kind: Kind
    /// Number of the message from 0; -1 for texts that stand outside messages, such as Anthropic's `system`.
    let message: Int
    /// The string in the request's bytes.
    let view: JSONView
}

/// All texts of a request, in the order of the document.
struct Prompt {
    var parts: [PromptPart] = []
    /// Messages, or prompts of a completion, the request holds.
    var messageCount = 0
    /// Whether the request has a member of its format that holds a prompt at all.
    var hasPrompt = false
}
