import GatewayWire
public import NIOCore

/// Amazon Bedrock's Converse API as clients speak it (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
///
/// The model and whether the answer is streamed stand in the path: `/model/MODEL/converse` and `/model/MODEL/converse-stream`. Streams are in AWS's binary framing.
/// What else the runtime and the agents' runtime have (``BedrockTarget/Action``, ``BedrockAgentAction``) only Bedrock serves.
public final class BedrockFormat: ClientFormat {
    public let name = ModelFormat.bedrock
    public let streamFraming = StreamFraming.eventStream

    public init() {}

    /// `…/model/{model}/{action}`.
    public func call(_ request: ClientRequest) throws(ProviderFailure) -> ClientCall {
        var call = ClientCall()
        guard let target = BedrockTarget(request.path) else {
            guard let action = BedrockAgentAction(request.path) else { return call }
            call.kind = .other
            call.action = action.rawValue
            call.asksStream = action == .retrieveAndGenerateStream
            call.model = action.model(request.body.document.root)
            return call
        }
        call.model = target.model
        call.asksStream = target.isStream
        if !target.isConverse {
            call.kind = target.action == .countTokens ? .countTokens : .other
            call.action = target.action.rawValue
        }
        return call
    }

    public func decode(_ request: ClientRequest) throws(ProviderFailure) -> ChatRequest {
        var chat = try BedrockRequestDecoder.decode(request.body.document.root)
        if let target = BedrockTarget(request.path) {
            chat.model = ChatText(target.model)
            chat.stream = target.isStream
        }
        // A stream of this API always tells the usage.
        chat.includesUsage = chat.stream
        return chat
    }

    public func encode(_ answer: ChatAnswer, _ context: AnswerContext) -> ByteBuffer { BedrockAnswerEncoder.converse(answer) }

    public func makeStreamEncoder(_ context: AnswerContext) -> any ChatStreamEncoder { BedrockStreamEncoder() }

    public func encode(_ error: ProviderError) -> ByteBuffer { BedrockAnswerEncoder.error(error) }

    /// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
    public func encode(tokenCount: Int) -> ByteBuffer? { ByteBuffer(string: "{\"inputTokens\":\(tokenCount)}") }
}

/// Operations of the agents' runtime, which has a host of its own
/// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Agents_for_Amazon_Bedrock_Runtime.html).
public enum BedrockAgentAction: String, Sendable, CaseIterable {
    case rerank = "/rerank"
    case retrieveAndGenerate = "/retrieveAndGenerate"
    case retrieveAndGenerateStream = "/retrieveAndGenerateStream"

    /// Reads the last segment of a path; nil when it is another one.
    init?(_ path: ByteBuffer) {
        guard let last = path.readableBytesView.split(separator: 0x2f).last else { return nil }
        self.init(rawValue: "/" + String(decoding: last, as: UTF8.self))
    }

    /// The model that a request names, without what an ARN has before it; `default` where it leaves the choice to Bedrock.
    func model(_ body: JSONView) -> String {
        let arn: JSONView?
        if self == .rerank {
            arn = body["rerankingConfiguration"]?["bedrockRerankingConfiguration"]?["modelConfiguration"]?["modelArn"]
        } else {
            let configuration = body["retrieveAndGenerateConfiguration"]
            arn = (configuration?["knowledgeBaseConfiguration"] ?? configuration?["externalSourcesConfiguration"])?["modelArn"]
        }
        return arn?.string?.split(separator: "/").last.map(String.init) ?? "default"
    }
}

/// What a path of the runtime API asks for.
public struct BedrockTarget: Sendable, Equatable {
    public enum Action: String, Sendable, CaseIterable {
        case converse
        case converseStream = "converse-stream"
        case invoke
        case invokeStream = "invoke-with-response-stream"
        case countTokens = "count-tokens"
    }

    /// Percent-decoded.
    public let model: String
    public let action: Action

    public var isStream: Bool { self.action == .converseStream || self.action == .invokeStream }
    /// Whether the body is Converse's, rather than the one of the model's maker.
    public var isConverse: Bool { self.action == .converse || self.action == .converseStream }

    /// Reads the end of a path: `…/model/MODEL/ACTION`; nil when it is another one.
    public init?(_ path: ByteBuffer) {
        let segments = path.readableBytesView.split(separator: 0x2f)
        guard segments.count >= 3, segments[segments.count - 3].elementsEqual("model".utf8), let action = Action(rawValue: String(decoding: segments[segments.count - 1], as: UTF8.self)),
            let model = BedrockTarget.decoded(segments[segments.count - 2])
        else { return nil }
        self.model = model
        self.action = action
    }

    private static func decoded(_ segment: ByteBufferView) -> String? {
        var bytes: [UInt8] = []
        var i = segment.startIndex
        while i < segment.endIndex {
            if segment[i] == 0x25 {
                guard i + 2 < segment.endIndex, let value = UInt8(String(decoding: segment[(i + 1)...(i + 2)], as: UTF8.self), radix: 16) else { return nil }
                bytes.append(value)
                i += 3
            } else {
                bytes.append(segment[i])
                i += 1
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
