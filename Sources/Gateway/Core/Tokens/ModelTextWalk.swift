public import NIOCore
import GatewayWire

/// Finds the text that a model reads or writes in the JSON of any vendor: messages, instructions, prompts, tools and calls, by the names the formats have for them.
///
/// Media is not counted, and neither is what only describes the exchange (identifiers, reasons, usage).
public struct ModelTextWalk {
    private var estimator: TokenEstimator
    private let side: Side

    public enum Side: Sendable {
        case request
        /// A whole answer.
        case answer
        /// One event of a stream. What a last one says of the whole does not count again (`generated_text` of text-generation-inference, `response` of Cohere's v1).
        case event
        /// Events of which later ones repeat what earlier ones said; only what they add counts (OpenAI's responses).
        case deltas
    }

    private init(_ side: Side, _ estimator: TokenEstimator) {
        self.side = side
        self.estimator = estimator
    }

    /// Deeper values are not looked at.
    private static let depthLimit = 64
    /// Tokens that a message costs besides its text (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken).
    private static let messageTokens = 3

    /// - Returns: tokens of a JSON text; 0 when there is nothing a model reads or writes in it.
    public static func tokens(_ json: ByteBuffer, _ side: Side, by estimator: TokenEstimator = TokenEstimator()) -> Int {
        json.withUnsafeReadableBytes { (self.count($0, side, by: estimator).thousandths + 999) / 1000 }
    }

    /// What there is for a model in a JSON text.
    struct Count {
        /// Thousandths of a token.
        var thousandths = 0
        /// Bytes of text.
        var bytes = 0
    }

    /// The same so that several can be added up.
    static func count(_ json: UnsafeRawBufferPointer, _ side: Side, by estimator: TokenEstimator = TokenEstimator()) -> Count {
        guard var walk = JSONWalk(json) else { return Count() }
        var text = ModelTextWalk(side, estimator)
        text.value(&walk, .structure, 0)
        return Count(thousandths: text.estimator.thousandths, bytes: text.estimator.bytes)
    }

    private enum Reading {
        /// Only what lies under known names.
        case structure
        /// A string, or several.
        case text
        /// All of it, as tools and their arguments are shown to a model.
        case everything
    }

    private mutating func value(_ walk: inout JSONWalk, _ reading: Reading, _ depth: Int) {
        guard depth < ModelTextWalk.depthLimit else { return }
        switch walk.next {
        case UInt8(ascii: "{"):
            _ = walk.object { walk, key in
                if reading == .everything {
                    self.estimator.add(key)
                    return self.value(&walk, .everything, depth + 1)
                }
                if let inner = self.reading(key, walk.next, depth) { self.value(&walk, inner, depth + 1) }
            }
        case UInt8(ascii: "["):
            _ = walk.array { walk in self.value(&walk, reading, depth + 1) }
        case UInt8(ascii: "\""):
            guard reading != .structure else { return }
            walk.string { text in
                if !ModelTextWalk.isEncoded(text) { self.estimator.add(text) }
            }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            // A prompt may be a list of token numbers (OpenAI's completions and embeddings).
            if reading != .structure { self.estimator.add(tokens: 1) }
        default: return
        }
    }

    /// How a member is read; nil: not at all.
    private mutating func reading(_ key: UnsafeRawBufferPointer, _ next: UInt8, _ depth: Int) -> Reading? {
        if self.side == .deltas { return key.isText("delta") ? .text : nil }
        switch key.count {
        case 4:
            if key.isText("text") || key.isText("name") { return .text }
            if key.isText("args") || key.isText("json") { return .everything }
            if key.isText("role"), self.side == .request { self.estimator.add(tokens: ModelTextWalk.messageTokens) }
            return .structure
        case 5:
            if key.isText("delta") || key.isText("query") { return .text }
            // A tool's arguments; at the top a request to be counted (Bedrock).
            if key.isText("input") { return next == UInt8(ascii: "{") && depth > 0 ? .everything : .text }
            if key.isText("tools") { return .everything }
            if key.isText("texts") { return .text }
            return key.isText("usage") ? nil : .structure
        case 6:
            if key.isText("prompt") || key.isText("system") || key.isText("inputs") || key.isText("suffix") { return .text }
            return key.isText("schema") ? .everything : .structure
        case 7:
            if key.isText("content") || key.isText("message") || key.isText("refusal") { return .text }
            return .structure
        case 8:
            if key.isText("thinking") || key.isText("preamble") { return .text }
            // Ollama's answer is a text, Gemini's result of a function an object.
            if key.isText("response") { return next != UInt8(ascii: "{") ? .text : self.side == .request ? .everything : nil }
            if key.isText("logprobs") || key.isText("metadata") { return nil }
            return .structure
        case 9:
            if key.isText("arguments") { return next == UInt8(ascii: "{") ? .everything : .text }
            if key.isText("reasoning") || key.isText("inputText") { return .text }
            if key.isText("functions") || key.isText("documents") { return .everything }
            return key.isText("embedding") ? nil : .structure
        case 10:
            if key.isText("completion") || key.isText("outputText") { return .text }
            return key.isText("toolConfig") ? .everything : .structure
        case 12:
            if key.isText("partial_json") || key.isText("instructions") { return .text }
            return .structure
        case 13: return key.isText("usageMetadata") ? nil : .structure
        case 14:
            if key.isText("generated_text") { return self.side == .event ? nil : .text }
            if key.isText("responseSchema") { return .everything }
            return key.isText("logprobsResult") ? nil : .structure
        case 17: return key.isText("reasoning_content") ? .text : .structure
        default: return .structure
        }
    }

    /// Whether a string is media in base64 rather than text.
    private static func isEncoded(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count > 1024 else { return false }
        for byte in text.prefix(512) {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: ","):
                continue
            default: return false
            }
        }
        return true
    }
}
