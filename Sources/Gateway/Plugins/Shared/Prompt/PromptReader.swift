import GatewayWire
import NIOCore

/// Finds the texts a model would see in a request: all content parts, tool arguments and results, with their roles.
///
/// The one place where guards, sanitizers and compressors learn where text stands: a further format is a further case here. Members are walked, not
/// looked up, so that of a key that occurs twice no occurrence stays unseen. Works on places in the bytes: only what is found becomes a view.
struct PromptReader {
    private let bytes: ByteBuffer
    private var prompt = Prompt()

    private init(_ bytes: ByteBuffer) {
        self.bytes = bytes
        self.prompt.parts.reserveCapacity(8)
    }

    /// The texts of a request in a format.
    static func read(_ document: JSONDocument, as format: PromptFormat) -> Prompt {
        var reader = PromptReader(document.bytes)
        document.forEachMember { reader.member($0, $1, format) }
        return reader.prompt
    }

    static func read(_ root: JSONView, as format: PromptFormat) -> Prompt {
        var reader = PromptReader(root.bytes)
        root.forEachMember { reader.member($0, $1, format) }
        return reader.prompt
    }

    /// The texts of a request in whichever of the known formats it is: for guards, which had better see a text that no model will.
    static func read(_ root: JSONView) -> Prompt {
        var reader = PromptReader(root.bytes)
        root.forEachMember { reader.anyMember($0, $1) }
        return reader.prompt
    }

    /// The texts of a response's message or a stream's delta, found by the same rules as a request's messages.
    static func read(message: JSONView) -> Prompt {
        var reader = PromptReader(message.bytes)
        reader.message(message.span, fallback: .assistant)
        return reader.prompt
    }

    private func view(_ span: JSONSpan) -> JSONView { JSONView(self.bytes, span) }

    // MARK: Formats

    private mutating func member(_ key: UnsafeRawBufferPointer, _ value: JSONSpan, _ format: PromptFormat) {
        switch format {
        case .openai: self.openAI(key, value)
        case .anthropic, .bedrock: self.anthropic(key, value)
        case .cohere: self.cohere(key, value)
        case .gemini: self.gemini(key, value)
        case .huggingface: self.huggingFace(key, value)
        }
    }

    private mutating func anyMember(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        if key.isText("messages") || key.isText("chat_history") || key.isText("contents") {
            self.messages(value)
        } else if key.isText("system") || key.isText("instructions") || key.isText("preamble") || key.isText("documents") || key.isText("systemInstruction")
            || key.isText("system_instruction") {
            self.outside(value)
        } else if key.isText("prompt") || key.isText("input") || key.isText("inputText") || key.isText("message") || key.isText("texts") || key.isText("inputs") {
            self.prompt.hasPrompt = true
            self.input(value)
        } else if key.isText("content") {
            self.prompt.hasPrompt = true
            self.message(value, fallback: .user)
        }
    }

    /// Chat, completions, embeddings and responses (https://platform.openai.com/docs/api-reference).
    private mutating func openAI(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        if key.isText("messages") {
            self.messages(value)
        } else if key.isText("prompt") || key.isText("input") {
            self.prompt.hasPrompt = true
            self.input(value)
        } else if key.isText("instructions") {
            self.outside(value)
        }
    }

    /// Messages of Anthropic and of Bedrock's Converse: `system` stands beside them, content comes in blocks.
    private mutating func anthropic(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        if key.isText("messages") {
            self.messages(value)
        } else if key.isText("system") {
            self.outside(value)
        } else if key.isText("prompt") || key.isText("inputText") {
            self.prompt.hasPrompt = true
            self.input(value)
        }
    }

    private mutating func cohere(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        if key.isText("messages") || key.isText("chat_history") {
            self.messages(value)
        } else if key.isText("message") || key.isText("prompt") || key.isText("texts") || key.isText("inputs") {
            self.prompt.hasPrompt = true
            self.input(value)
        } else if key.isText("preamble") || key.isText("documents") {
            self.outside(value)
        }
    }

    private mutating func gemini(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        if key.isText("contents") {
            self.messages(value)
        } else if key.isText("content") {
            self.prompt.hasPrompt = true
            self.message(value, fallback: .user)
        } else if key.isText("systemInstruction") || key.isText("system_instruction") {
            self.outside(value)
        }
    }

    private mutating func huggingFace(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        if key.isText("messages") {
            self.messages(value)
        } else if key.isText("inputs") {
            self.prompt.hasPrompt = true
            self.input(value)
        }
    }

    // MARK: Structure

    private mutating func messages(_ list: JSONSpan) {
        self.prompt.hasPrompt = true
        self.input(list)
    }

    /// Messages, or a prompt: a string, a list of strings, or the items of a `llm/v1/responses` request.
    private mutating func input(_ value: JSONSpan) {
        if value.kind == .array {
            var members = Members()
            self.view(value).forEachObject(
                member: { members.take($0, $1) },
                end: {
                    self.message(&members, fallback: .user)
                    members.reset()
                }, other: { self.message($0, fallback: .user) })
        } else {
            self.message(value, fallback: .user)
        }
    }

    private mutating func outside(_ value: JSONSpan) { self.content(value, .system, .content, message: -1) }

    private mutating func message(_ value: JSONSpan, fallback: PromptPart.Role) {
        guard value.kind == .object else {
            self.content(value, fallback, .content, message: self.prompt.messageCount)
            self.prompt.messageCount += 1
            return
        }
        var members = self.members(of: value)
        self.message(&members, fallback: fallback)
    }

    /// - Parameter members: not changed; a copy of it would cost more than what is read of most messages.
    private mutating func message(_ members: inout Members, fallback: PromptPart.Role) {
        let number = self.prompt.messageCount
        self.prompt.messageCount += 1
        var role = members.role.map { self.role($0) } ?? fallback
        if self.isText(members.type, "function_call_output") { role = .tool }
        self.block(&members, role, role == .tool ? .toolResult : .content, message: number)
    }

    /// What counts of a message or block, in order; of `role` and `type` the last.
    private struct Members {
        typealias Found = (meaning: Meaning, value: JSONSpan)
        var role: JSONSpan?
        var type: JSONSpan?
        // The first three need no allocation: hardly a message or block has more.
        private var first: Found?
        private var second: Found?
        private var third: Found?
        private var more: [Found] = []

        mutating func reset() {
            self.role = nil
            self.type = nil
            self.first = nil
            self.second = nil
            self.third = nil
            self.more.removeAll(keepingCapacity: true)
        }

        mutating func take(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
            if key.isText("role") {
                self.role = value
            } else if key.isText("type") {
                self.type = value
            } else {
                let meaning = PromptReader.meaning(key)
                if meaning != .none { self.append((meaning, value)) }
            }
        }

        private mutating func append(_ found: Found) {
            if self.first == nil {
                self.first = found
            } else if self.second == nil {
                self.second = found
            } else if self.third == nil {
                self.third = found
            } else {
                self.more.append(found)
            }
        }

        func forEach(_ body: (Meaning, JSONSpan) -> Void) {
            if let first { body(first.meaning, first.value) }
            if let second { body(second.meaning, second.value) }
            if let third { body(third.meaning, third.value) }
            for found in self.more { body(found.meaning, found.value) }
        }
    }

    /// One walk: what a message holds may be long.
    private func members(of object: JSONSpan) -> Members {
        var members = Members()
        self.view(object).forEachMember { members.take($0, $1) }
        return members
    }

    private func isText(_ value: JSONSpan?, _ text: StaticString) -> Bool { value.map { self.view($0).equals(text) } ?? false }

    private func role(_ value: JSONSpan) -> PromptPart.Role {
        self.view(value).withText { name in
            if name.isText(ignoringCase: "user") { return .user }
            if name.isText(ignoringCase: "assistant") || name.isText(ignoringCase: "model") || name.isText(ignoringCase: "chatbot") { return .assistant }
            if name.isText(ignoringCase: "system") || name.isText(ignoringCase: "developer") { return .system }
            if name.isText(ignoringCase: "tool") || name.isText(ignoringCase: "function") { return .tool }
            return .other
        } ?? .other
    }

    /// A string, a list of blocks, or one block.
    private mutating func content(_ value: JSONSpan, _ role: PromptPart.Role, _ kind: PromptPart.Kind, message: Int) {
        switch value.kind {
        case .string: self.prompt.parts.append(PromptPart(role: role, kind: kind, message: message, view: self.view(value)))
        case .array: self.view(value).forEachElement { self.content($0, role, kind, message: message) }
        case .object:
            var members = self.members(of: value)
            self.block(&members, role, kind, message: message)
        case .number, .bool, .null: return
        }
    }

    private enum Meaning { case text, result, arguments, calls, source, data, anything, none }

    /// What a member of a message or block means, in whichever format it occurs; keys by their lengths.
    private static func meaning(_ key: UnsafeRawBufferPointer) -> Meaning {
        switch key.count {
        case 4:
            if key.isText("text") { return .text }
            if key.isText("json") { return .result }
            if key.isText("args") { return .arguments }
            if key.isText("data") { return .data }
            if key.isText("code") { return .arguments }
        case 5:
            if key.isText("parts") || key.isText("delta") || key.isText("title") { return .text }
            if key.isText("input") { return .arguments }
        case 6:
            if key.isText("output") || key.isText("stdout") || key.isText("stderr") { return .result }
            if key.isText("custom") { return .calls }
            if key.isText("source") { return .source }
        case 7:
            if key.isText("content") || key.isText("refusal") || key.isText("message") || key.isText("context") || key.isText("snippet") || key.isText("summary") { return .text }
            if key.isText("toolUse") { return .calls }
            if key.isText("outputs") { return .result }
        case 8:
            if key.isText("thinking") || key.isText("document") { return .text }
            if key.isText("response") { return .result }
            if key.isText("function") || key.isText("tool_use") { return .calls }
        case 9:
            if key.isText("reasoning") { return .text }
            if key.isText("arguments") { return .arguments }
            if key.isText("variables") { return .anything }
        case 10:
            if key.isText("input_text") { return .text }
            if key.isText("toolResult") { return .result }
            if key.isText("parameters") { return .arguments }
            if key.isText("tool_calls") { return .calls }
        case 11:
            if key.isText("output_text") { return .text }
            if key.isText("tool_result") { return .result }
        case 12:
            if key.isText("tool_results") { return .result }
            if key.isText("functionCall") { return .calls }
            if key.isText("guardContent") || key.isText("searchResult") { return .text }
        case 13:
            if key.isText("function_call") { return .calls }
            if key.isText("reasoningText") { return .text }
        case 14: if key.isText("executableCode") { return .calls }
        case 15: if key.isText("executable_code") { return .calls }
        case 16:
            if key.isText("functionResponse") { return .result }
            if key.isText("citationsContent") || key.isText("reasoningContent") { return .text }
        case 17:
            if key.isText("reasoning_content") { return .text }
            if key.isText("function_response") { return .result }
        case 19: if key.isText("codeExecutionResult") { return .result }
        case 21: if key.isText("code_execution_result") { return .result }
        default: break
        }
        return .none
    }

    private mutating func block(_ members: inout Members, _ role: PromptPart.Role, _ kind: PromptPart.Kind, message: Int) {
        let isResult = self.isText(members.type, "tool_result") || self.isText(members.type, "function_call_output")
        members.forEach { meaning, member in
            switch meaning {
            case .text: self.content(member, isResult ? .tool : role, isResult ? .toolResult : kind, message: message)
            case .result: self.leaves(member, .tool, .toolResult, message: message)
            case .arguments: self.leaves(member, role, .toolArguments, message: message)
            case .calls: self.content(member, role, .toolArguments, message: message)
            // Text only in plain documents; otherwise an image.
            case .source: if member.kind == .object { self.content(member, role, kind, message: message) }
            // A document's fields (Cohere), or what a type says is text; otherwise an image or sound.
            case .data: if member.kind == .object || self.isText(members.type, "text") { self.leaves(member, role, kind, message: message) }
            case .anything: self.leaves(member, role, kind, message: message)
            case .none: return
            }
        }
    }

    /// Every string below a value: what a tool is called with or gives back is any JSON.
    private mutating func leaves(_ value: JSONSpan, _ role: PromptPart.Role, _ kind: PromptPart.Kind, message: Int) {
        switch value.kind {
        case .string: self.prompt.parts.append(PromptPart(role: role, kind: kind, message: message, view: self.view(value)))
        case .array: self.view(value).forEachElement { self.leaves($0, role, kind, message: message) }
        case .object: self.view(value).forEachMember { self.leaves($1, role, kind, message: message) }
        case .number, .bool, .null: return
        }
    }
}
