public import GatewayWire
public import Telemetry

/// The canonical answer to a ``ChatRequest``: decoded by a ``ProviderAdapter``, encoded by a ``ClientFormat``.
public struct ChatAnswer: Sendable {
    /// The format it was written in; nil: one no client speaks.
    public var origin: ModelFormat?
    public var id: ChatText?
    public var model: ChatText?
    /// Seconds since 1970.
    public var createdAt: Int?
    public var choices: [ChatChoice] = []
    public var usage: ChatUsage?
    public var serviceTier: ChatText?
    public var extras: [ChatExtra] = []

    public init(origin: ModelFormat?) { self.origin = origin }
}

/// One of the answers a model gave.
public struct ChatChoice: Sendable {
    public var index: Int
    public var parts: [ChatPart] = []
    public var finishReason: ChatFinishReason?
    /// The stop sequence that ended it.
    public var stopSequence: ChatText?
    /// In OpenAI's shape.
    public var logprobs: JSONView?
    public var extras: [ChatExtra] = []
    /// Unknown members of the message inside the choice.
    public var messageExtras: [ChatExtra] = []

    public init(index: Int = 0) { self.index = index }
}

/// Why an answer ended: what it means, and how the provider spells it.
public struct ChatFinishReason: Sendable {
    public enum Kind: Sendable, Equatable {
        case stop
        /// The answer's own limit of tokens.
        case length
        case toolCalls
        /// A safety filter of the provider.
        case contentFilter
        case stopSequence
        case refusal
        /// Paused by the provider; the client sends the answer back to go on (Anthropic's `pause_turn`).
        case pause
        /// The model's context window.
        case contextWindow
        /// The model called a tool in a way nobody can read.
        case malformedToolCall
        case other
    }

    public var kind: Kind
    public var spelling: ChatText

    public init(_ kind: Kind, _ spelling: ChatText) {
        self.kind = kind
        self.spelling = spelling
    }
}

/// Tokens of a request, counted as OpenTelemetry does: `input` includes what was read from and written to caches, `output` includes reasoning.
public struct ChatUsage: Sendable, Equatable {
    public var input: Int = 0
    public var output: Int = 0
    public var cachedInput: Int?
    /// Input tokens written to the provider's cache.
    public var cacheWrites: Int?
    /// Those that are kept for an hour, where the provider tells them apart.
    public var hourCacheWrites: Int?
    public var reasoning: Int?
    public var inputAudio: Int?
    public var outputAudio: Int?
    public var acceptedPrediction: Int?
    public var rejectedPrediction: Int?
    /// The tier that served, where a stream tells it together with what was used.
    public var serviceTier: String?

    public init() {}

    public var total: Int { self.input + self.output }

    /// The same for the evidence.
    public var evidence: TokenUsage {
        var usage = TokenUsage()
        usage.input = Int64(self.input)
        usage.output = Int64(self.output)
        usage.cachedInput = Int64(self.cachedInput ?? 0)
        usage.reasoning = Int64(self.reasoning ?? 0)
        usage.cacheWrites = Int64(self.cacheWrites ?? 0)
        usage.hourCacheWrites = Int64(self.hourCacheWrites ?? 0)
        usage.inputAudio = Int64(self.inputAudio ?? 0)
        usage.outputAudio = Int64(self.outputAudio ?? 0)
        usage.source = .providerReported
        return usage
    }
}

/// A provider's error, read: what a client's format makes its own error object of.
public struct ProviderError: Sendable {
    /// The status the client gets.
    public var status: Int
    public var failure: FailureClass
    public var message: ChatText
    /// The provider's name of the kind of error.
    public var type: ChatText?
    public var code: ChatText?
    /// The member of the request that is wrong.
    public var parameter: ChatText?
    /// Seconds; where the provider says so in the body rather than in `Retry-After`.
    public var retryAfterSeconds: Int?

    public init(status: Int, failure: FailureClass, message: ChatText, type: ChatText? = nil, code: ChatText? = nil, parameter: ChatText? = nil, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.failure = failure
        self.message = message
        self.type = type
        self.code = code
        self.parameter = parameter
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// An error of the gateway's own.
    public init(status: Int, message: String, code: StaticString, parameter: String? = nil) {
        let failure: FailureClass =
            switch status {
            case 401, 403: .authentication
            case 404: .notFound
            case 429: .rateLimited
            case 503: .overloaded
            case 500...: .serverError
            default: .invalidRequest
            }
        self.init(
            status: status, failure: failure, message: ChatText(message), code: ChatText(code), parameter: parameter.map { ChatText($0) })
    }
}
