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
        var shown = ModelParameterSpans()
        let promptMember = operation.promptMember(format)
        let nested = format.parameterMember
        var parameters: JSONSpan?
        document.forEachMember { key, value in
            if key.isText(promptMember) {
                prompt = value
                return
            }
            switch key.count {
            case 5 where key.isText("model"): model = value
            case 5 where key.isText("top_k"):
                hasTopK = true
                shown.note(key, value)
            case 6 where key.isText("stream"): stream = value
            case 14 where key.isText("stream_options"): options = value
            default:
                if let nested, value.kind == .object, key.isText(nested) { parameters = value } else { shown.note(key, value) }
            }
        }
        if let parameters { JSONView(bytes, parameters).forEachMember { key, value in shown.note(key, value) } }
        self.document = document
        self.operation = operation
        self.format = format
        self.model = model.flatMap { JSONView(bytes, $0).string }
        self.stream = stream.flatMap { JSONView(bytes, $0).bool }
        self.asksForUsage = options.flatMap { JSONView(bytes, $0)["include_usage"]?.bool } ?? false
        self.prompt = prompt.map { JSONView(bytes, $0) }
        self.hasTopK = hasTopK
        self.parameters = shown.read(bytes)
    }
}

extension ModelFormat {
    /// The member that holds a request's parameters; nil: they stand at the top.
    fileprivate var parameterMember: StaticString? {
        switch self {
        case .gemini: "generationConfig"
        case .bedrock: "inferenceConfig"
        case .ollama: "options"
        case .huggingface: "parameters"
        case .openai, .anthropic, .cohere: nil
        }
    }
}
