public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-response-transformer`: has a model rewrite the upstream's response before the client sees it.
/// Behaviour: https://developer.konghq.com/plugins/ai-response-transformer/
///
/// A response that cannot be given to the model (streamed, compressed, too large) is stopped: who wants answers checked does not want some to slip by.
public final class AIResponseTransformer: RequestPlugin, ResponsePlugin, TransformingPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-response-transformer", priority: 768, auditPath: "ai.ai-response-transformer", changesText: true)

    public enum Field: EvidenceField {
        case provider, requestModel, responseModel, inputTokens, outputTokens
        /// Milliseconds of waiting for the model.
        case latency
        /// The status that the model asked for.
        case status

        public var key: StaticString {
            switch self {
            case .provider: "pellucid.ai_response_transformer.provider_name"
            case .requestModel: "pellucid.ai_response_transformer.request_model"
            case .responseModel: "pellucid.ai_response_transformer.response_model"
            case .inputTokens: "pellucid.ai_response_transformer.prompt_tokens"
            case .outputTokens: "pellucid.ai_response_transformer.completion_tokens"
            case .latency: "pellucid.ai_response_transformer.llm_latency"
            case .status: "pellucid.ai_response_transformer.status"
            }
        }
    }

    static func field(_ fact: TransformerFact) -> Field {
        switch fact {
        case .provider: .provider
        case .requestModel: .requestModel
        case .responseModel: .responseModel
        case .inputTokens: .inputTokens
        case .outputTokens: .outputTokens
        case .latency: .latency
        }
    }

    private let configuration: AIResponseTransformerConfiguration
    private let transformer: BodyTransformer

    public init(configuration: AIResponseTransformerConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.transformer = try BodyTransformer(configuration.settings, services: services)
    }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AIResponseTransformer>) async throws(PluginFailure) -> RequestVerdict { .pass }

    public var need: ResponseNeed { .body(limit: self.configuration.settings.maximumBodyBytes == 0 ? 8 << 20 : self.configuration.settings.maximumBodyBytes) }
    public var stopsUnseen: Bool { true }

    public func handle(_ response: inout GatewayResponse, _ context: inout StageContext<AIResponseTransformer>) async throws(PluginFailure) -> ResponseVerdict {
        guard response.body.readableBytes > 0 else { return .pass }
        if let coding = response.fields.first(.contentEncoding), !coding.elementsEqual("identity".utf8) {
            throw PluginFailure("response_encoded", message: "a compressed response cannot be given to the model")
        }
        let text = try await self.transformer.transform(response.body, &context)
        guard self.configuration.parsesInstructions else {
            response.body = text
            return .modified
        }
        try self.apply(text, to: &response, &context)
        return .modified
    }

    /// Applies `{"headers": {…}, "status": 201, "body": "…"}`, each member if it is there.
    private func apply(_ text: ByteBuffer, to response: inout GatewayResponse, _ context: inout StageContext<AIResponseTransformer>) throws(PluginFailure) {
        guard let document = try? JSONDocument(text), document.root.kind == .object else {
            throw PluginFailure("model_instructions", message: "the model's instructions are no JSON object")
        }
        if let status = document["status"], !status.isNull {
            guard let status = status.int ?? status.string.flatMap({ Int($0) }), (200...599).contains(status) else {
                throw PluginFailure("model_instructions", message: "the model's status is none")
            }
            response.status = status
            context.set(.status, .int(Int64(status)))
        }
        for (name, value) in document["headers"]?.members.map({ $0 }) ?? [] {
            guard let name = name.string, let value = value.string ?? (value.kind == .number || value.kind == .bool ? String(buffer: value.raw) : nil),
                !Self.isFraming(name), response.fields.replace(name: name, value)
            else { throw PluginFailure("model_instructions", message: "the model's headers cannot be sent") }
        }
        if let body = document["body"], !body.isNull { response.body = body.text ?? body.raw }
    }

    /// Fields that the gateway itself decides.
    private static func isFraming(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"].contains(name.lowercased())
    }
}

/// Configuration of `ai-response-transformer`. Names, types, limits and defaults: Kong 3.15.
public struct AIResponseTransformerConfiguration: GatewayConfiguration, Hashable {
    public let settings: TransformerSettings
    /// `parse_llm_response_json_instructions`: whether the model's answer says status, headers and body. Default false.
    public let parsesInstructions: Bool

    public init(from node: inout ConfigurationNode) {
        self.settings = TransformerSettings(from: &node)
        self.parsesInstructions = node.bool("parse_llm_response_json_instructions", default: false)
    }
}
