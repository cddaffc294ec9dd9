/// Parameters of a request that spans show (`gen_ai.request.*`).
public struct ModelParameters: Sendable {
    public var maximumTokens: Int?
    public var temperature: Double?
    public var topP: Double?
    public var frequencyPenalty: Double?
    public var presencePenalty: Double?
    public var seed: Int?
    public var choiceCount: Int?
    /// What few requests have; nil costs those nothing that do not.
    public var rare: RareModelParameters?

    public init() {}

    /// The parameters of what is sent, where a configuration's options win over the request's.
    public func overridden(by options: ModelOptionValues) -> ModelParameters {
        guard !options.isEmpty else { return self }
        var result = self
        if let value = options.maximumTokens { result.maximumTokens = value }
        if let value = options.temperature { result.temperature = value }
        if let value = options.topP { result.topP = value }
        if let value = options.topK { result.rare = RareModelParameters(self.rare) { $0.topK = Double(value) } }
        return result
    }

    /// The same with a change to what few requests have.
    public func with(_ change: (inout RareModelParameters.Values) -> Void) -> ModelParameters {
        var result = self
        result.rare = RareModelParameters(self.rare, change)
        return result
    }
}

/// Parameters that few requests have.
public final class RareModelParameters: Sendable {
    public struct Values: Sendable, Equatable {
        public var topK: Double?
        public var stopSequences: [String] = []
        /// Encodings of vectors: `float`, `base64`, `int8`.
        public var encodingFormats: [String] = []
        /// Length of the vectors asked for.
        public var dimensionCount: Int?
        /// What kind of output was asked for by name.
        public var output: ModelOutput?
        /// OpenAI's `service_tier`.
        public var serviceTier: String?
        /// Id of a conversation that the provider keeps.
        public var conversationID: String?

        public init() {}
    }

    public let values: Values

    /// nil where nothing is set.
    public init?(_ base: RareModelParameters? = nil, _ change: (inout Values) -> Void) {
        var values = base?.values ?? Values()
        change(&values)
        guard values != Values() else { return nil }
        self.values = values
    }
}

/// `gen_ai.output.type` (https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-output-type).
public enum ModelOutput: Sendable, Equatable {
    case text, json, image, speech

    public var telemetryName: StaticString {
        switch self {
        case .text: "text"
        case .json: "json"
        case .image: "image"
        case .speech: "speech"
        }
    }

    /// Of a list of modalities: what is wanted besides text.
    public init?(modalities: some Sequence<String>) {
        var found: ModelOutput?
        for modality in modalities {
            switch modality.lowercased() {
            case "image": found = .image
            case "audio" where found != .image: found = .speech
            case "text": found = found ?? .text
            default: continue
            }
        }
        guard let found else { return nil }
        self = found
    }

    /// Of a MIME type.
    init?(mediaType: String) {
        switch mediaType {
        case "application/json": self = .json
        case "text/plain": self = .text
        default: return nil
        }
    }

    /// Of OpenAI's `response_format.type`; its images and sounds have formats of their own under that name, which say nothing about the kind.
    init?(formatType: String) {
        switch formatType {
        case "json_object", "json_schema", "json": self = .json
        case "text": self = .text
        default: return nil
        }
    }
}

extension ModelOperation {
    /// The kind of output that the operation is there for; nil: it depends on the request.
    var output: ModelOutput? {
        switch self {
        case .imageGenerations, .imageEdits: .image
        case .speech: .speech
        default: nil
        }
    }
}
