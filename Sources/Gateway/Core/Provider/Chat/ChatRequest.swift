public import GatewayWire

/// The canonical chat request: everything any client format can say, so that N formats and M adapters meet in one place.
///
/// Decoded by a ``ClientFormat``, encoded by a ``ProviderAdapter``. Texts are slices of the client's bytes. What no field here stands for is in `extras`, and comes
/// back only in the format it came from.
public struct ChatRequest: Sendable {
    /// The format it was written in.
    public var origin: ModelFormat
    public var model: ChatText?
    /// In order; system texts are messages of the role `system`.
    public var messages: [ChatMessage] = []
    public var tools: [ChatTool] = []
    public var toolChoice: ChatToolChoice?
    public var allowsParallelToolCalls: Bool?
    public var maximumTokens: ChatNumber?
    /// Whether the limit counts thoughts too (OpenAI's `max_completion_tokens`), where the client's format tells.
    public var limitCountsReasoning: Bool?
    public var temperature: ChatNumber?
    public var topP: ChatNumber?
    public var topK: ChatNumber?
    public var frequencyPenalty: ChatNumber?
    public var presencePenalty: ChatNumber?
    public var seed: ChatNumber?
    /// OpenAI's `n`.
    public var choiceCount: ChatNumber?
    public var stop: [ChatText] = []
    public var logprobs: Bool?
    public var topLogprobs: ChatNumber?
    public var logitBias: JSONView?
    public var responseFormat: ChatResponseFormat?
    public var reasoning: ChatReasoning?
    public var stream: Bool?
    /// Whether a stream is to end with the usage (OpenAI's `stream_options.include_usage`).
    public var includesUsage: Bool?
    /// An opaque id of the end user.
    public var user: ChatText?
    public var serviceTier: ChatText?
    public var metadata: JSONView?
    /// Kinds of output wanted besides text, in OpenAI's spelling: `text`, `audio`, `image`.
    public var modalities: [ChatText] = []
    /// OpenAI's `audio`: voice and format of the spoken answer.
    public var audioOutput: JSONView?
    /// Gemini's `safetySettings`.
    public var safetySettings: JSONView?
    /// Anthropic's `cache_control` of the whole request.
    public var cacheControl: JSONView?
    public var extras: [ChatExtra] = []

    public init(origin: ModelFormat) { self.origin = origin }
}

/// What an answer has to be.
public enum ChatResponseFormat: Sendable {
    case text
    /// Any JSON object.
    case json
    /// JSON by a schema.
    case schema(ChatSchema)
}

/// A JSON schema that an answer has to follow.
public struct ChatSchema: Sendable {
    public var name: ChatText?
    public var description: ChatText?
    public var schema: JSONView?
    public var isStrict: Bool?

    public init(name: ChatText? = nil, description: ChatText? = nil, schema: JSONView?, isStrict: Bool? = nil) {
        self.name = name
        self.description = description
        self.schema = schema
        self.isStrict = isStrict
    }
}

/// How much a model may think before it answers: as an effort (OpenAI), as a budget of tokens (Anthropic, Gemini), or switched off.
public struct ChatReasoning: Sendable {
    /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh`.
    public var effort: ChatText?
    /// Tokens; -1 leaves it to the model (Gemini).
    public var budget: ChatNumber?
    public var isDisabled = false
    /// The model decides how much (Anthropic's `thinking.type: adaptive`).
    public var isAdaptive = false
    /// Whether the thoughts are to be part of the answer.
    public var includesThoughts: Bool?

    public init() {}

    /// A budget where only an effort is given or the choice is the model's, and none where thinking is off. The shares are those of Google's table for its OpenAI-compatible endpoint
    /// (https://ai.google.dev/gemini-api/docs/openai#thinking).
    public var budgetTokens: Int? {
        if self.isDisabled { return 0 }
        if let budget = self.budget { return budget.int }
        guard let effort = self.effort ?? (self.isAdaptive ? ChatText("medium" as StaticString) : nil) else { return nil }
        switch effort.string {
        case "none": return 0
        case "minimal", "low": return 1_024
        case "medium": return 8_192
        default: return 24_576
        }
    }

    /// An effort where only a budget is given.
    public var effortName: ChatText? {
        if let effort = self.effort { return effort }
        if self.isDisabled { return ChatText("none" as StaticString) }
        guard let budget = self.budget?.int else { return self.isAdaptive ? ChatText("medium" as StaticString) : nil }
        switch budget {
        case 0: return ChatText("none" as StaticString)
        case ...(-1): return ChatText("medium" as StaticString)
        case ...2_048: return ChatText("low" as StaticString)
        case ...12_288: return ChatText("medium" as StaticString)
        default: return ChatText("high" as StaticString)
        }
    }
}

/// What a model may call.
public struct ChatTool: Sendable {
    public enum Kind: Sendable {
        case function(ChatFunction)
        /// A tool that only one format knows (a vendor's web search, computer use, …), as it came.
        case other(JSONView)
    }

    public var kind: Kind
    public var cacheControl: JSONView?
    public var extras: [ChatExtra] = []

    public init(_ kind: Kind) { self.kind = kind }
}

/// A function with its parameters as a JSON schema.
public struct ChatFunction: Sendable {
    public var name: ChatText
    public var description: ChatText?
    public var parameters: JSONView?
    public var isStrict: Bool?
    public var extras: [ChatExtra] = []

    public init(name: ChatText, description: ChatText? = nil, parameters: JSONView? = nil, isStrict: Bool? = nil) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.isStrict = isStrict
    }
}

/// Which tools a model has to or may call.
public enum ChatToolChoice: Sendable {
    case auto
    case none
    /// Any, but one of them.
    case required
    case function(ChatText)
    /// A choice only one format knows, as it came.
    case other(JSONView)
}
