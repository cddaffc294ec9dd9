public import GatewayWire
public import NIOCore

/// The JSON body of a model operation: validated once, read by look-ups, changed by splicing.
public struct ModelRequestBody: Sendable {
    public let document: JSONDocument
    public let operation: ModelOperation

    public var bytes: ByteBuffer { self.document.bytes }

    /// Scans a body.
    ///
    /// - Throws: where and why it is no JSON text.
    public init(_ bytes: ByteBuffer, operation: ModelOperation) throws(JSONError) {
        self.document = try JSONDocument(bytes)
        self.operation = operation
    }

    public var isObject: Bool { self.document.result.root.kind == .object }
    /// The model the client names; nil when it names none.
    public var model: String? { self.document["model"]?.string }
    public var stream: Bool? { self.document["stream"]?.bool }
    /// Whether the client itself asks for the usage of a stream.
    public var asksForUsage: Bool { self.document["stream_options"]?["include_usage"]?.bool ?? false }
    /// What the model is asked; nil when the member is missing.
    public var prompt: JSONView? { self.document[self.operation.promptMember] }

    /// The parameters that spans show.
    public var parameters: ModelParameters {
        var parameters = ModelParameters()
        for member in self.document.members {
            let value = JSONView(self.bytes, member.value)
            guard value.kind == .number else { continue }
            let key = JSONView(self.bytes, member.key)
            switch member.key.count - 2 {
            case 1 where key.equals("n"): parameters.choiceCount = value.int
            case 4 where key.equals("seed"): parameters.seed = value.int
            case 5 where key.equals("top_p"): parameters.topP = value.double
            case 10 where key.equals("max_tokens"): parameters.maximumTokens = value.int
            case 11 where key.equals("temperature"): parameters.temperature = value.double
            case 16 where key.equals("presence_penalty"): parameters.presencePenalty = value.double
            case 17 where key.equals("frequency_penalty"): parameters.frequencyPenalty = value.double
            case 21 where key.equals("max_completion_tokens"): parameters.maximumTokens = value.int
            default: continue
            }
        }
        return parameters
    }
}
