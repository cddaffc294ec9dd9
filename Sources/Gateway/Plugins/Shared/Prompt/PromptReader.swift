import GatewayWire

/// Finds the texts a model would see in a request: all content parts, tool arguments and results, with their roles.
///
/// The one place where guards, sanitizers and compressors learn where text stands: a further format is a further case here. Members are walked, not
/// looked up, so that of a key that occurs twice no occurrence stays unseen.
struct PromptReader {
    private var prompt = Prompt()

    static func read(_ root: JSONView, as format: PromptFormat) -> Prompt {
        var reader = PromptReader()
        for (key, value) in root.members {
            switch format {
            case .openai: reader.openAI(key, value)
            case .anthropic, .bedrock: reader.anthropic(key, value)
            case .cohere: reader.cohere(key, value)
            case .gemini: reader.gemini(key, value)
            case .huggingface: reader.huggingFace(key, value)
            }
        }
        return reader.prompt
    }

    /// The texts of a request in whichever of the known formats it is: for guards, which had better see a text that no model will.
    static func read(_ root: JSONView) -> Prompt {
        var reader = PromptReader()
        for (key, value) in root.members {
            switch key.string {
            case "messages", "chat_history", "contents": reader.messages(value)
            case "system", "instructions", "preamble", "documents", "systemInstruction", "system_instruction": reader.outside(value)
            case "prompt", "input", "inputText", "message", "texts", "inputs":
                reader.prompt.hasPrompt = true
                reader.input(value)
            case "content":
                reader.prompt.hasPrompt = true
                reader.message(value, fallback: .user)
            default: continue
            }
        }
        return reader.prompt
    }

    /// The texts of a response's message or a stream's delta, found by the same rules as a request's messages.
    static func read(message: JSONView) -> Prompt {
        var reader = PromptReader()
        reader.message(message, fallback: .assistant)
        return reader.prompt
    }

    // MARK: Formats

    /// Chat, completions, embeddings and responses (https://platform.openai.com/docs/api-reference).
    private mutating func openAI(_ key: JSONView, _ value: JSONView) {
        if key.equals("messages") {
            self.messages(value)
        } else if key.equals("prompt") || key.equals("input") {
            self.prompt.hasPrompt = true
            self.input(value)
        } else if key.equals("instructions") {
            self.outside(value)
        }
    }

    /// Messages of Anthropic and of Bedrock's Converse: `system` stands beside them, content comes in blocks.
    private mutating func anthropic(_ key: JSONView, _ value: JSONView) {
        if key.equals("messages") {
            self.messages(value)
        } else if key.equals("system") {
            self.outside(value)
        } else if key.equals("prompt") || key.equals("inputText") {
            self.prompt.hasPrompt = true
            self.input(value)
        }
    }

    private mutating func cohere(_ key: JSONView, _ value: JSONView) {
        if key.equals("messages") || key.equals("chat_history") {
            self.messages(value)
        } else if key.equals("message") || key.equals("prompt") || key.equals("texts") || key.equals("inputs") {
            self.prompt.hasPrompt = true
            self.input(value)
        } else if key.equals("preamble") || key.equals("documents") {
            self.outside(value)
        }
    }

    private mutating func gemini(_ key: JSONView, _ value: JSONView) {
        if key.equals("contents") {
            self.messages(value)
        } else if key.equals("content") {
            self.prompt.hasPrompt = true
            self.message(value, fallback: .user)
        } else if key.equals("systemInstruction") || key.equals("system_instruction") {
            self.outside(value)
        }
    }

    private mutating func huggingFace(_ key: JSONView, _ value: JSONView) {
        if key.equals("messages") {
            self.messages(value)
        } else if key.equals("inputs") {
            self.prompt.hasPrompt = true
            self.input(value)
        }
    }

    // MARK: Structure

    private mutating func messages(_ list: JSONView) {
        self.prompt.hasPrompt = true
        if list.kind == .array {
            for message in list.elements { self.message(message, fallback: .user) }
        } else {
            self.message(list, fallback: .user)
        }
    }

    /// A prompt: a string, a list of strings, or the items of a `llm/v1/responses` request.
    private mutating func input(_ value: JSONView) {
        if value.kind == .array {
            for element in value.elements { self.message(element, fallback: .user) }
        } else {
            self.message(value, fallback: .user)
        }
    }

    private mutating func outside(_ value: JSONView) { self.content(value, .system, .content, message: -1) }

    private mutating func message(_ value: JSONView, fallback: PromptPart.Role) {
        let number = self.prompt.messageCount
        self.prompt.messageCount += 1
        guard value.kind == .object else { return self.content(value, fallback, .content, message: number) }
        var role = fallback
        for (key, member) in value.members where key.equals("role") { role = Self.role(member) }
        if value["type"]?.equals("function_call_output") == true { role = .tool }
        self.block(value, role, role == .tool ? .toolResult : .content, message: number)
    }

    private static func role(_ value: JSONView) -> PromptPart.Role {
        switch value.string?.lowercased() {
        case "user": .user
        case "assistant", "model", "chatbot": .assistant
        case "system", "developer": .system
        case "tool", "function": .tool
        default: .other
        }
    }

    /// A string, a list of blocks, or one block.
    private mutating func content(_ value: JSONView, _ role: PromptPart.Role, _ kind: PromptPart.Kind, message: Int) {
        switch value.kind {
        case .string: self.prompt.parts.append(PromptPart(role: role, kind: kind, message: message, view: value))
        case .array: for element in value.elements { self.content(element, role, kind, message: message) }
        case .object: self.block(value, role, kind, message: message)
        case .number, .bool, .null: return
        }
    }

    private enum Meaning { case text, result, arguments, calls, none }

    /// What a member of a message or block means, in whichever format it occurs.
    private static func meaning(_ key: JSONView) -> Meaning {
        switch key.string {
        case "content", "parts", "text", "delta", "refusal", "thinking", "reasoning_content", "reasoning", "message", "input_text", "output_text", "title", "context", "snippet":
            .text
        case "output", "tool_result", "toolResult", "functionResponse", "function_response", "response", "json", "tool_results": .result
        case "arguments", "args", "input", "parameters": .arguments
        case "tool_calls", "function_call", "functionCall", "function", "toolUse", "tool_use": .calls
        case "source": .text
        default: .none
        }
    }

    private mutating func block(_ value: JSONView, _ role: PromptPart.Role, _ kind: PromptPart.Kind, message: Int) {
        let isResult = value["type"].map { $0.equals("tool_result") || $0.equals("function_call_output") } ?? false
        for (key, member) in value.members {
            // `source` holds text only for plain documents; otherwise it is an image.
            if key.equals("source") || key.equals("data") {
                self.document(key, member, value, role, kind, message)
                continue
            }
            switch Self.meaning(key) {
            case .text: self.content(member, isResult ? .tool : role, isResult ? .toolResult : kind, message: message)
            case .result: self.leaves(member, .tool, .toolResult, message: message)
            case .arguments: self.leaves(member, role, .toolArguments, message: message)
            case .calls: self.content(member, role, .toolArguments, message: message)
            case .none: continue
            }
        }
    }

    private mutating func document(_ key: JSONView, _ member: JSONView, _ block: JSONView, _ role: PromptPart.Role, _ kind: PromptPart.Kind, _ message: Int) {
        if key.equals("source") {
            if member.kind == .object { self.block(member, role, kind, message: message) }
        } else if block["type"]?.equals("text") == true {
            self.content(member, role, kind, message: message)
        }
    }

    /// Every string below a value: what a tool is called with or gives back is any JSON.
    private mutating func leaves(_ value: JSONView, _ role: PromptPart.Role, _ kind: PromptPart.Kind, message: Int) {
        switch value.kind {
        case .string: self.prompt.parts.append(PromptPart(role: role, kind: kind, message: message, view: value))
        case .array: for element in value.elements { self.leaves(element, role, kind, message: message) }
        case .object: for (_, member) in value.members { self.leaves(member, role, kind, message: message) }
        case .number, .bool, .null: return
        }
    }
}
