import GatewayWire
import NIOCore

/// Finds the texts of a model's answer: of a whole one, or of one event of a stream, whichever of the known formats it has.
///
/// The one place where guards and sanitizers learn where an answer's text stands; what requests are is ``PromptReader``'s. A document in none of the known shapes is read as a
/// message, so that a text in a place nobody foresaw is seen rather than passed.
struct AnswerReader {
    private var found = AnswerTexts()
    private var serial = 0

    /// - Parameter name: the event's name, where its format says it outside the data (Bedrock).
    static func read(_ root: JSONView, event name: ByteBuffer? = nil) -> AnswerTexts {
        var reader = AnswerReader()
        reader.document(root, name)
        return reader.found
    }

    private mutating func document(_ root: JSONView, _ name: ByteBuffer?) {
        // Gemini's streams without `alt=sse`, Hugging Face's answers.
        if root.kind == .array {
            for element in root.elements { self.document(element, nil) }
            return
        }
        if let choices = root["choices"], choices.kind == .array {
            self.openAI(choices)
        } else if let candidates = root["candidates"], candidates.kind == .array {
            self.gemini(candidates)
        } else if root["contentBlockIndex"] != nil || AnswerReader.isNamed(name, "messageStop") {
            self.bedrock(root, name)
        } else if let done = root["done"], done.kind == .bool {
            self.ollama(root, isDone: done.bool == true)
        } else if let token = root["token"], token.kind == .object {
            self.huggingFace(root, token)
        } else if let type = root["type"], type.kind == .string, self.typed(root, type) {
            return
        } else {
            self.whole(root)
        }
    }

    // MARK: Texts

    private mutating func grow(_ view: JSONView?, _ choice: Int, _ part: Int = 0, _ kind: AnswerText.Line.Kind = .content, isJSON: Bool = false) {
        guard let view, view.kind == .string else { return }
        self.found.texts.append(AnswerText(line: AnswerText.Line(choice: choice, part: part, kind: kind), view: view, isJSON: isJSON, grows: true))
    }

    private mutating func add(_ view: JSONView?, _ kind: AnswerText.Line.Kind = .content, isJSON: Bool = false) {
        guard let view, view.kind == .string else { return }
        self.serial += 1
        self.found.texts.append(AnswerText(line: AnswerText.Line(kind: kind, serial: self.serial), view: view, isJSON: isJSON, grows: false))
    }

    /// Every string below a value: what a tool is called with is any JSON.
    private mutating func leaves(_ value: JSONView?, _ kind: AnswerText.Line.Kind = .arguments) {
        guard let value else { return }
        switch value.kind {
        case .string: self.add(value, kind)
        case .array: for element in value.elements { self.leaves(element, kind) }
        case .object: for (_, member) in value.members { self.leaves(member, kind) }
        case .number, .bool, .null: return
        }
    }

    /// A tool's arguments: a piece of JSON as a string, or the object itself.
    private mutating func arguments(_ value: JSONView?, _ choice: Int, _ part: Int) {
        if value?.kind == .string { self.grow(value, choice, part, .arguments, isJSON: true) } else { self.leaves(value) }
    }

    private static func items(_ list: JSONView?) -> [JSONView] { list.map { Array($0.elements) } ?? [] }

    private mutating func hide(_ view: JSONView?, _ replacement: StaticString = "null") {
        guard let view, !view.isNull, !view.isEmptyContainer else { return }
        self.found.spellings.append((view, replacement))
    }

    private mutating func introduce(_ view: JSONView?) { if let view, view.kind == .string { self.found.introductions.append(view) } }

    // MARK: Chat and text completions of OpenAI's format

    /// Streams and documents (https://platform.openai.com/docs/api-reference/chat).
    private mutating func openAI(_ choices: JSONView) {
        for (position, choice) in choices.elements.enumerated() {
            let number = choice["index"]?.int ?? position
            self.grow(choice["text"], number)
            for body in [choice["delta"], choice["message"]] { if let body { self.openAI(message: body, number) } }
            self.hide(choice["logprobs"])
            if choice["finish_reason"]?.isNull == false { self.found.ends.append(.choice(number)) }
        }
    }

    private mutating func openAI(message: JSONView, _ choice: Int) {
        self.openAI(content: message["content"], choice)
        self.grow(message["refusal"], choice, 0, .refusal)
        self.grow(message["reasoning_content"], choice, 0, .reasoning)
        self.grow(message["reasoning"], choice, 1, .reasoning)
        self.grow(message["audio"]?["transcript"], choice, 1)
        for annotation in AnswerReader.items(message["annotations"]) { self.quotation(annotation) }
        self.arguments(message["function_call"]?["arguments"], choice, -1)
        self.introduce(message["function_call"]?["name"])
        for (position, call) in AnswerReader.items(message["tool_calls"]).enumerated() {
            let number = call["index"]?.int ?? position
            self.arguments(call["function"]?["arguments"], choice, number)
            self.grow(call["custom"]?["input"], choice, number, .arguments)
            for view in [call["id"], call["function"]?["name"], call["custom"]?["name"]] { self.introduce(view) }
        }
    }

    /// A string, or Mistral's list of blocks.
    private mutating func openAI(content: JSONView?, _ choice: Int) {
        guard let content, content.kind == .array else { return self.grow(content, choice) }
        for block in content.elements {
            self.grow(block["text"], choice)
            for thought in AnswerReader.items(block["thinking"]) { self.grow(thought["text"], choice, 2, .reasoning) }
        }
    }

    /// What cites: texts that may repeat the answer's or tell of others.
    private mutating func quotation(_ value: JSONView) {
        for (key, member) in value.members {
            if member.kind == .object || member.kind == .array {
                self.quotations(member)
            } else if key.equals("text") || key.equals("cited_text") || key.equals("quote") || key.equals("title") || key.equals("snippet") || key.equals("content") {
                self.add(member)
            }
        }
    }

    private mutating func quotations(_ value: JSONView?) {
        guard let value else { return }
        if value.kind == .array { for element in value.elements { self.quotations(element) } } else if value.kind == .object { self.quotation(value) }
    }

    // MARK: Gemini

    /// https://ai.google.dev/api/generate-content
    private mutating func gemini(_ candidates: JSONView) {
        for (position, candidate) in candidates.elements.enumerated() {
            let number = candidate["index"]?.int ?? position
            for part in AnswerReader.items(candidate["content"]?["parts"]) {
                self.grow(part["text"], number, 0, part["thought"]?.bool == true ? .reasoning : .content)
                self.leaves(part["functionCall"]?["args"] ?? part["function_call"]?["args"])
                self.add(part["executableCode"]?["code"])
                self.add(part["codeExecutionResult"]?["output"])
            }
            self.quotations(candidate["groundingMetadata"]?["groundingSupports"])
            self.hide(candidate["logprobsResult"])
            if candidate["finishReason"]?.kind == .string { self.found.ends.append(.choice(number)) }
        }
    }

    // MARK: Bedrock

    /// Events of ConverseStream (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html).
    private mutating func bedrock(_ root: JSONView, _ name: ByteBuffer?) {
        guard let part = root["contentBlockIndex"]?.int else { return self.found.ends.append(.all) }
        if AnswerReader.isNamed(name, "contentBlockStop") { return self.found.ends.append(.part(choice: 0, part: part)) }
        guard let delta = root["delta"] else { return }
        self.grow(delta["text"], 0, part)
        self.arguments(delta["toolUse"]?["input"], 0, part)
        self.grow(delta["reasoningContent"]?["text"], 0, part, .reasoning)
        self.quotations(delta["citation"])
        self.quotations(delta["toolResult"])
    }

    private static func isNamed(_ name: ByteBuffer?, _ text: StaticString) -> Bool { name?.withUnsafeReadableBytes { $0.isText(text) } ?? false }

    // MARK: Ollama and Hugging Face

    /// Lines of `/api/chat` and `/api/generate` (https://docs.ollama.com/api).
    private mutating func ollama(_ root: JSONView, isDone: Bool) {
        self.grow(root["response"], 0)
        self.grow(root["thinking"], 0, 0, .reasoning)
        if let message = root["message"] {
            self.grow(message["content"], 0)
            self.grow(message["thinking"], 0, 0, .reasoning)
            for call in AnswerReader.items(message["tool_calls"]) { self.leaves(call["function"]?["arguments"]) }
        }
        self.hide(root["logprobs"])
        if isDone { self.found.ends.append(.all) }
    }

    /// Events of text generation (https://huggingface.co/docs/text-generation-inference).
    private mutating func huggingFace(_ root: JSONView, _ token: JSONView) {
        self.grow(token["text"], 0)
        self.add(root["generated_text"])
        self.hide(root["top_tokens"], "[]")
        self.hide(root["details"])
        if root["generated_text"]?.kind == .string { self.found.ends.append(.all) }
    }

    // MARK: Events that name their type

    /// - Returns: whether it is one of the types known here.
    private mutating func typed(_ root: JSONView, _ type: JSONView) -> Bool {
        type.withText { name in
            if name.starts(with: "response.".utf8) {
                self.responses(root, name)
            } else if name.isText("content_block_start") || name.isText("content_block_delta") || name.isText("content_block_stop") {
                self.anthropic(root, isStop: name.isText("content_block_stop"))
            } else if name.isText("message_start") || name.isText("ping") || name.isText("error") {
                return true
            } else if name.isText("message_delta") || name.isText("message_stop") {
                self.found.ends.append(.all)
            } else if let delta = root["delta"], delta.kind == .object, name.contains(0x2D) {
                self.cohere(root, delta["message"], name)
            } else if name.isText("content-end") || name.isText("tool-call-end") {
                self.found.ends.append(.part(choice: 0, part: root["index"]?.int ?? 0))
            } else {
                return false
            }
            return true
        } ?? false
    }

    /// https://docs.claude.com/en/docs/build-with-claude/streaming
    private mutating func anthropic(_ root: JSONView, isStop: Bool) {
        let part = root["index"]?.int ?? 0
        if isStop { return self.found.ends.append(.part(choice: 0, part: part)) }
        if let block = root["content_block"] {
            self.grow(block["text"], 0, part)
            self.grow(block["thinking"], 0, part, .reasoning)
            self.leaves(block["input"])
            self.quotations(block["content"])
        }
        guard let delta = root["delta"] else { return }
        self.grow(delta["text"], 0, part)
        self.grow(delta["thinking"], 0, part, .reasoning)
        self.grow(delta["partial_json"], 0, part, .arguments, isJSON: true)
        self.quotations(delta["citation"])
    }

    /// Version 2 (https://docs.cohere.com/v2/docs/streaming).
    private mutating func cohere(_ root: JSONView, _ message: JSONView?, _ name: UnsafeRawBufferPointer) {
        let part = root["index"]?.int ?? 0
        if name.isText("message-end") { self.found.ends.append(.all) }
        guard let message else { return }
        if let content = message["content"], content.kind == .object {
            self.grow(content["text"], 0, part)
            self.grow(content["thinking"], 0, part, .reasoning)
        }
        self.grow(message["tool_plan"], 0, -1, .reasoning)
        if let call = message["tool_calls"], call.kind == .object { self.arguments(call["function"]?["arguments"], 0, part) }
        self.quotations(message["citations"])
        self.hide(root["logprobs"])
    }

    // MARK: OpenAI's Responses

    /// https://platform.openai.com/docs/api-reference/responses-streaming
    private mutating func responses(_ root: JSONView, _ name: UnsafeRawBufferPointer) {
        // Sound as base64.
        if name.starts(with: "response.audio.".utf8) || name.starts(with: "response.output_audio.".utf8) { return }
        let choice = root["output_index"]?.int ?? 0, part = root["content_index"]?.int ?? root["summary_index"]?.int ?? 0
        let isArguments = name.starts(with: "response.function_call_arguments".utf8) || name.starts(with: "response.mcp_call_arguments".utf8)
        let kind: AnswerText.Line.Kind = isArguments ? .arguments : name.starts(with: "response.reasoning".utf8) ? .reasoning : name.starts(with: "response.refusal".utf8) ? .refusal : .content
        self.grow(root["delta"], choice, part, kind, isJSON: isArguments)
        for key in ["text", "refusal", "transcript", "input", "code"] as [StaticString] { self.add(root[key], kind) }
        self.add(root["arguments"], .arguments, isJSON: true)
        if let part = root["part"] { self.block(part) }
        if let item = root["item"] { self.item(item) }
        if let annotation = root["annotation"] { self.quotation(annotation) }
        self.hide(root["logprobs"], "[]")
        if let response = root["response"] { for item in AnswerReader.items(response["output"]) { self.item(item) } }
        if name.isText("response.completed") || name.isText("response.incomplete") || name.isText("response.failed") || name.isText("response.done") {
            self.found.ends.append(.all)
        } else if name.isText("response.output_item.done") {
            self.found.ends.append(.choice(choice))
        } else if name.suffix(5).elementsEqual(".done".utf8) {
            self.found.ends.append(.part(choice: choice, part: part))
        }
    }

    /// One item of `output`.
    private mutating func item(_ item: JSONView) {
        self.blocks(item["content"])
        self.blocks(item["summary"])
        self.add(item["arguments"], .arguments, isJSON: true)
        for key in ["input", "output", "code"] as [StaticString] { self.leaves(item[key]) }
        for output in AnswerReader.items(item["outputs"]) { self.add(output["logs"]) }
    }

    // MARK: Documents

    private mutating func blocks(_ content: JSONView?) {
        guard let content else { return }
        if content.kind == .array { for block in content.elements { self.block(block) } } else { self.add(content) }
    }

    /// A content block of Anthropic's, Bedrock's, Cohere's or the Responses' documents.
    private mutating func block(_ block: JSONView) {
        guard block.kind == .object else { return self.add(block) }
        self.add(block["text"])
        self.add(block["refusal"], .refusal)
        self.add(block["transcript"])
        self.add(block["thinking"], .reasoning)
        self.add(block["reasoningContent"]?["reasoningText"]?["text"], .reasoning)
        self.leaves(block["input"])
        self.leaves(block["toolUse"]?["input"])
        for key in ["citations", "annotations", "content", "citationsContent", "toolResult"] as [StaticString] { self.quotations(block[key]) }
        self.hide(block["logprobs"], "[]")
    }

    private mutating func whole(_ root: JSONView) {
        let before = self.found.texts.count
        self.hide(root["logprobs"])
        self.hide(root["details"])
        if let output = root["output"], output.kind == .array {
            for item in output.elements { self.item(item) }
        } else if let output = root["output"], output.kind == .object {
            // Converse's message; the text of RetrieveAndGenerate.
            self.blocks(output["message"]?["content"])
            self.add(output["text"])
        }
        if let content = root["content"] { self.blocks(content) }
        if let message = root["message"], message.kind == .object {
            self.blocks(message["content"])
            self.add(message["tool_plan"], .reasoning)
            for call in AnswerReader.items(message["tool_calls"]) { self.add(call["function"]?["arguments"], .arguments, isJSON: true) }
            self.quotations(message["citations"])
        }
        self.quotations(root["citations"])
        // Older and smaller formats, whose events are as their documents: Cohere's first version, Titan, Llama, Mistral and AI21 on Bedrock, Hugging Face, Vertex' predictions.
        for key in ["text", "generation", "generated_text", "completion", "outputText"] as [StaticString] { self.grow(root[key], 0) }
        for key in ["generations", "results", "outputs", "completions", "predictions"] as [StaticString] {
            for (number, item) in AnswerReader.items(root[key]).enumerated() {
                for key in ["text", "outputText", "content", "generated_text"] as [StaticString] { self.grow(item[key], number) }
                self.grow(item["data"]?["text"], number)
            }
        }
        for key in ["stop_reason", "completionReason", "finish_reason"] as [StaticString] where root[key]?.kind == .string { self.found.ends.append(.all) }
        guard self.found.texts.count == before else { return }
        for part in PromptReader.read(message: root).parts { self.add(part.view, part.kind == .content ? .content : .arguments) }
    }
}
