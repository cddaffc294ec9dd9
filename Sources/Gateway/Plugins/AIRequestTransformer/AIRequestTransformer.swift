public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-request-transformer`: has a model rewrite the request's body before anything else of the AI plugins sees it.
/// Behaviour: https://developer.konghq.com/plugins/ai-request-transformer/
public final class AIRequestTransformer: RequestPlugin, TransformingPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-request-transformer", priority: 777, auditPath: "ai.ai-request-transformer", changesText: true)

    public enum Field: EvidenceField {
        case provider, requestModel, responseModel, inputTokens, outputTokens
        /// Milliseconds of waiting for the model.
        case latency

        public var key: StaticString {
            switch self {
            case .provider: "pellucid.ai_request_transformer.provider_name"
            case .requestModel: "pellucid.ai_request_transformer.request_model"
            case .responseModel: "pellucid.ai_request_transformer.response_model"
            case .inputTokens: "pellucid.ai_request_transformer.prompt_tokens"
            case .outputTokens: "pellucid.ai_request_transformer.completion_tokens"
            case .latency: "pellucid.ai_request_transformer.llm_latency"
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

    private let settings: TransformerSettings
    private let transformer: BodyTransformer

    public init(configuration: AIRequestTransformerConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.settings = configuration.settings
        self.transformer = try BodyTransformer(configuration.settings, services: services)
    }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AIRequestTransformer>) async throws(PluginFailure) -> RequestVerdict {
        let limit = self.settings.maximumBodyBytes == 0 ? Int.max : self.settings.maximumBodyBytes
        let body: ByteBuffer
        do throws(DownstreamFailure) { body = try await request.collectBody(limit: limit) } catch {
            if case .bodyTooLarge = error {
                return .reject(RefusedRequest(413, "request_too_large", "the request body is larger than max_request_body_size, \(limit) bytes").rejection)
            }
            return .reject(RefusedRequest(400, error.code, "the request body could not be read").rejection)
        }
        guard body.readableBytes > 0 else { return .pass }
        do throws(PluginFailure) {
            request.body = .bytes(try await self.transformer.transform(body, &context))
            return .modified
        } catch {
            guard "\(error.code)" == "no_match" else { throw error }
            return .reject(RefusedRequest(400, error.code, "the request could not be transformed: \(error.message)").rejection)
        }
    }
}

/// Configuration of `ai-request-transformer`. Names, types, limits and defaults: Kong 3.15.
public struct AIRequestTransformerConfiguration: GatewayConfiguration, Hashable {
    public let settings: TransformerSettings

    public init(from node: inout ConfigurationNode) { self.settings = TransformerSettings(from: &node) }
}
