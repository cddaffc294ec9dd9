import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayProviders

/// Translations without a gateway around them.
enum Translation {
    static let openAI = OpenAIFormat()
    static let anthropic = AnthropicFormat()
    static let gemini = GeminiFormat()
    static let cohere = CohereFormat()
    static let ollama = OllamaFormat()

    static func adapter(_ name: String) throws -> any TranslatingAdapter { try #require(ProviderCatalog.directory.adapter(name) as? any TranslatingAdapter) }

    static func context(stream: Bool = false, usage: Bool = false, operation: ModelOperation = .chat) -> AnswerContext {
        AnswerContext(requestID: "r1", createdAt: 1_700_000_000, model: "asked", isStream: stream, includesUsage: usage, operation: operation)
    }

    static func decode(_ format: any ClientFormat, _ json: String, operation: ModelOperation = .chat) throws -> ChatRequest {
        try format.decode(ClientRequest(body: try ModelRequestBody(ByteBuffer(string: json), operation: operation)))
    }

    /// A client's request as the provider gets it, and what was left out.
    static func request(
        _ format: any ClientFormat, to provider: String, model: String = "model-1", stream: Bool = false, policy: UnsupportedPolicy = .drop, _ json: String
    ) throws -> (json: JSONValue, dropped: [String]) {
        var encoding = ChatEncoding(model: model, isStream: stream, settings: ProviderSettings(), policy: policy)
        let bytes = try self.adapter(provider).encode(try self.decode(format, json), &encoding)
        return (try JSONValue(parsing: bytes), encoding.dropped)
    }

    /// A provider's answer as the client gets it.
    static func answer(_ format: any ClientFormat, from provider: String, _ json: String) throws -> JSONValue {
        let answer = try self.adapter(provider).decode(ByteBuffer(string: json))
        return try JSONValue(parsing: format.encode(answer, self.context()))
    }

    /// A provider's stream as the client gets it, fed in pieces of `size` bytes.
    static func stream(_ format: any ClientFormat, from provider: String, _ text: String, size: Int = .max, usage: Bool = true) throws -> (text: String, facts: ModelResponseFacts, isWhole: Bool) {
        let adapter = try self.adapter(provider)
        let translator = ChatStreamTranslator(
            framing: adapter.streamFraming, decoder: adapter.makeStreamDecoder(), encoder: format.makeStreamEncoder(self.context(stream: true, usage: usage)))
        var output = ByteBuffer()
        var rest = ByteBuffer(string: text)
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            try translator.feed(piece)
            output.writeImmutableBuffer(translator.takeOutput())
        }
        let isWhole = translator.finish()
        output.writeImmutableBuffer(translator.takeOutput())
        return (String(buffer: output), translator.facts, isWhole)
    }

    /// The data of a stream's events, parsed; `[DONE]` is a string.
    static func events(_ text: String) throws -> [JSONValue] {
        try text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { line in
            let data = line.dropFirst(6)
            return data == "[DONE]" ? .string("[DONE]") : try JSONValue(parsing: String(data))
        }
    }

    static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }
}

extension JSONValue {
    /// The same with members in alphabetical order and without those that are null: what two texts mean, whatever their spelling.
    var meaning: JSONValue {
        switch self {
        case .array(let elements): .array(elements.map(\.meaning))
        case .object(let members):
            .object(members.filter { $0.value != .null }.map { Member(key: $0.key, value: $0.value.meaning) }.sorted { $0.key < $1.key })
        default: self
        }
    }
}
