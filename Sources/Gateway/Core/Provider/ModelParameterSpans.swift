import GatewayWire
import NIOCore

/// Where in a request lies what telemetry shows of it; filled while the members are walked, which happens once.
struct ModelParameterSpans {
    private var choiceCount: JSONSpan?
    private var seed: JSONSpan?
    private var topP: JSONSpan?
    private var maximumTokens: JSONSpan?
    private var temperature: JSONSpan?
    private var presencePenalty: JSONSpan?
    private var frequencyPenalty: JSONSpan?
    private var rare: [(Rare, JSONSpan)] = []

    private enum Rare {
        case topK, stop, encoding, dimensions, format, textFormat, modalities, mediaType, schema, serviceTier, conversation
    }

    /// Top-level members; nested ones of formats that keep their parameters in an object of their own.
    mutating func note(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        switch value.kind {
        case .number: self.noteNumber(key, value)
        case .string, .array, .object: self.noteOther(key, value)
        default: return
        }
    }

    private mutating func noteNumber(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        switch key.count {
        case 1 where key.isText("n"): self.choiceCount = value
        case 4 where key.isText("seed"): self.seed = value
        case 4 where key.isText("topP"): self.topP = value
        case 4 where key.isText("topK"): self.rare.append((.topK, value))
        case 5 where key.isText("top_p"): self.topP = value
        case 5 where key.isText("top_k"): self.rare.append((.topK, value))
        case 9 where key.isText("maxTokens"): self.maximumTokens = value
        case 10 where key.isText("max_tokens"): self.maximumTokens = value
        case 10 where key.isText("dimensions"): self.rare.append((.dimensions, value))
        case 11 where key.isText("temperature"): self.temperature = value
        case 11 where key.isText("num_predict"): self.maximumTokens = value
        case 14 where key.isText("candidateCount"): self.choiceCount = value
        case 14 where key.isText("max_new_tokens"): self.maximumTokens = value
        case 15 where key.isText("maxOutputTokens"): self.maximumTokens = value
        case 15 where key.isText("presencePenalty"): self.presencePenalty = value
        case 16 where key.isText("frequencyPenalty"): self.frequencyPenalty = value
        case 16 where key.isText("presence_penalty"): self.presencePenalty = value
        case 16 where key.isText("output_dimension"): self.rare.append((.dimensions, value))
        case 17 where key.isText("frequency_penalty"): self.frequencyPenalty = value
        case 17 where key.isText("max_output_tokens"): self.maximumTokens = value
        case 20 where key.isText("outputDimensionality"): self.rare.append((.dimensions, value))
        case 21 where key.isText("max_completion_tokens"): self.maximumTokens = value
        default: return
        }
    }

    private mutating func noteOther(_ key: UnsafeRawBufferPointer, _ value: JSONSpan) {
        switch key.count {
        case 4 where key.isText("stop"): self.rare.append((.stop, value))
        case 4 where key.isText("text") && value.kind == .object: self.rare.append((.textFormat, value))
        case 6 where key.isText("format"): self.rare.append((.schema, value))
        case 10 where key.isText("modalities"): self.rare.append((.modalities, value))
        case 12 where key.isText("service_tier"): self.rare.append((.serviceTier, value))
        case 12 where key.isText("conversation"): self.rare.append((.conversation, value))
        case 13 where key.isText("stopSequences"): self.rare.append((.stop, value))
        case 14 where key.isText("stop_sequences"): self.rare.append((.stop, value))
        case 14 where key.isText("embeddingTypes"): self.rare.append((.encoding, value))
        case 15 where key.isText("encoding_format"): self.rare.append((.encoding, value))
        case 15 where key.isText("embedding_types"): self.rare.append((.encoding, value))
        case 15 where key.isText("response_format"): self.rare.append((.format, value))
        case 16 where key.isText("responseMimeType"): self.rare.append((.mediaType, value))
        case 18 where key.isText("responseModalities"): self.rare.append((.modalities, value))
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
        if !self.rare.isEmpty { parameters.rare = RareModelParameters { values in for (kind, span) in self.rare { Self.read(kind, JSONView(bytes, span), &values) } } }
        return parameters
    }

    private static func read(_ kind: Rare, _ value: JSONView, _ values: inout RareModelParameters.Values) {
        switch kind {
        case .topK: values.topK = value.double
        case .stop: values.stopSequences = self.texts(value)
        case .encoding: values.encodingFormats = self.texts(value)
        case .dimensions: values.dimensionCount = value.int
        case .format: values.output = value["type"]?.string.flatMap { ModelOutput(formatType: $0) } ?? values.output
        case .textFormat: values.output = value["format"]?["type"]?.string.flatMap { ModelOutput(formatType: $0) } ?? values.output
        // Ollama's: a name or a schema.
        case .schema: values.output = value.kind == .object ? .json : value.string.flatMap { ModelOutput(formatType: $0) } ?? values.output
        case .modalities: values.output = ModelOutput(modalities: self.texts(value)) ?? values.output
        case .mediaType: values.output = value.string.flatMap { ModelOutput(mediaType: $0) } ?? values.output
        case .serviceTier: values.serviceTier = self.short(value)
        case .conversation: values.conversationID = self.short(value) ?? value["id"].flatMap { self.short($0) }
        }
    }

    /// Most texts of a list that are shown, and the most bytes of one: what a client sends must not make telemetry large.
    static let listLimit = 16
    static let textLimit = 256

    /// A string as a list of one, or the strings of a list.
    private static func texts(_ value: JSONView) -> [String] {
        if let one = self.short(value) { return [one] }
        var texts: [String] = []
        for element in value.elements where texts.count < self.listLimit {
            if let text = self.short(element) { texts.append(text) }
        }
        return texts
    }

    private static func short(_ value: JSONView) -> String? { value.string.flatMap { (1...self.textLimit).contains($0.utf8.count) ? $0 : nil } }
}
