public import GatewayWire
public import NIOCore

/// The JSON body of a model operation: validated and looked through once, changed by splicing.
public final class ModelRequestBody: Sendable {
    public let document: JSONDocument
    public let operation: ModelOperation
    /// The format it is written in.
    public let format: ModelFormat
    /// The model the client names; nil when it names none.
    public let model: String?
    public let stream: Bool?
    /// Whether the client itself asks for the usage of a stream.
    public let asksForUsage: Bool
    /// What the model is asked; nil when the member is missing.
    public let prompt: JSONView?
    public let hasTopK: Bool
    /// The parameters that spans show.
    public let parameters: ModelParameters

    public var bytes: ByteBuffer { self.document.bytes }
    public var isObject: Bool { self.document.result.root.kind == .object }

    /// Scans a body.
    ///
    /// - Throws: where and why it is no JSON text.
    public convenience init(_ bytes: ByteBuffer, operation: ModelOperation, format: ModelFormat = .openai) throws(JSONError) {
        self.init(try JSONDocument(bytes), operation: operation, format: format)
    }

    /// Looks through a body that has been scanned.
    public init(_ document: JSONDocument, operation: ModelOperation, format: ModelFormat = .openai) {
        let bytes = document.bytes
        var model: JSONSpan?
        var stream: JSONSpan?
        var options: JSONSpan?
        var prompt: JSONSpan?
        var hasTopK = false
        var numbers = ParameterSpans()
        let promptMember = operation.promptMember(format)
        var generation: JSONSpan?
        document.forEachMember { key, value in
            if key.isText(promptMember) {
                prompt = value
                return
            }
            switch key.count {
            case 5 where key.isText("model"): model = value
            case 5 where key.isText("top_k"): hasTopK = true
            case 6 where key.isText("stream"): stream = value
            case 14 where key.isText("stream_options"): options = value
            case 16 where key.isText("generationConfig"): generation = value
            default: if value.kind == .number { numbers.note(key, value) }
            }
        }
        // Gemini keeps its numbers in an object of their own.
        if let generation, format == .gemini { JSONView(bytes, generation).forEachMember { key, value in if value.kind == .number { numbers.note(key, value) } } }
        self.document = document
        self.operation = operation
        self.format = format
        self.model = model.flatMap { JSONView(bytes, $0).string }
        self.stream = stream.flatMap { JSONView(bytes, $0).bool }
        self.asksForUsage = options.flatMap { JSONView(bytes, $0)["include_usage"]?.bool } ?? false
        self.prompt = prompt.map { JSONView(bytes, $0) }
        self.hasTopK = hasTopK
        self.parameters = numbers.read(bytes)
    }

    /// Where the numbers lie that telemetry shows.
    private struct ParameterSpans {
        private var choiceCount: JSONSpan?
        private var seed: JSONSpan?
        private var topP: JSONSpan?
        private var maximumTokens: JSONSpan?
        private var temperature: JSONSpan?
        private var presencePenalty: JSONSpan?
        private var frequencyPenalty: JSONSpan?

        mutating func note(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
            switch key.count {
            case 1 where key.isText("n"): self.choiceCount = value
            case 4 where key.isText("seed"): self.seed = value
            case 4 where key.isText("topP"): self.topP = value
            case 15 where key.isText("maxOutputTokens"): self.maximumTokens = value
            case 14 where key.isText("candidateCount"): self.choiceCount = value
            case 15 where key.isText("presencePenalty"): self.presencePenalty = value
            case 16 where key.isText("frequencyPenalty"): self.frequencyPenalty = value
            case 5 where key.isText("top_p"): self.topP = value
            case 10 where key.isText("max_tokens"): self.maximumTokens = value
            case 11 where key.isText("temperature"): self.temperature = value
            case 16 where key.isText("presence_penalty"): self.presencePenalty = value
            case 17 where key.isText("frequency_penalty"): self.frequencyPenalty = value
            case 21 where key.isText("max_completion_tokens"): self.maximumTokens = value
            default: return
            }
        }

        func read(_ bytes: ByteBuffer) -> ModelParameters {
            var parameters = ModelParameters()
            parameters.choiceCount = self.choiceCount.flatMap { JSONView(bytes, $0).int }
            parameters.seed = self.seed.flatMap { JSONView(bytes, $0).int }
            parameters.topP = self.topP.flatMap { JSONView(bytes, $0).double }
            parameters.maximumTokens = self.maximumTokens.flatMap { JSONView(bytes, $0).int }
            parameters.temperature = self.temperature.flatMap { JSONView(bytes, $0).double }
            parameters.presencePenalty = self.presencePenalty.flatMap { JSONView(bytes, $0).double }
            parameters.frequencyPenalty = self.frequencyPenalty.flatMap { JSONView(bytes, $0).double }
            return parameters
        }
    }
}
