/// Every attribute name the gateway writes, each from a published convention or from our own `pellucid.*` namespace.
///
/// OpenTelemetry semantic conventions 1.41 (https://opentelemetry.io/docs/specs/semconv/): `http.*`, `url.*`, `server.*`, `client.*`,
/// `network.*`, `error.*`, `user_agent.*` from the HTTP and general registries, `gen_ai.*` from the GenAI registry.
public enum AttributeNames {
    // HTTP, https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    public static let httpRequestMethod: StaticString = "http.request.method"
    public static let httpResponseStatusCode: StaticString = "http.response.status_code"
    public static let httpRoute: StaticString = "http.route"
    public static let httpRequestBodySize: StaticString = "http.request.size"
    public static let httpResponseBodySize: StaticString = "http.response.size"
    public static let httpRequestResendCount: StaticString = "http.request.resend_count"
    public static let urlScheme: StaticString = "url.scheme"
    public static let urlPath: StaticString = "url.path"
    public static let serverAddress: StaticString = "server.address"
    public static let serverPort: StaticString = "server.port"
    public static let clientAddress: StaticString = "client.address"
    public static let clientPort: StaticString = "client.port"
    public static let networkPeerAddress: StaticString = "network.peer.address"
    public static let networkProtocolVersion: StaticString = "network.protocol.version"
    public static let userAgentOriginal: StaticString = "user_agent.original"
    public static let errorType: StaticString = "error.type"
    /// https://opentelemetry.io/docs/specs/semconv/registry/attributes/dns/
    public static let dnsQuestionName: StaticString = "dns.question.name"

    // GenAI, https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/model/gen-ai/registry.yaml
    public static let genAIOperationName: StaticString = "gen_ai.operation.name"
    public static let genAIProviderName: StaticString = "gen_ai.provider.name"
    public static let genAIRequestModel: StaticString = "gen_ai.request.model"
    public static let genAIRequestMaxTokens: StaticString = "gen_ai.request.max_tokens"
    public static let genAIRequestChoiceCount: StaticString = "gen_ai.request.choice.count"
    public static let genAIRequestTemperature: StaticString = "gen_ai.request.temperature"
    public static let genAIRequestTopP: StaticString = "gen_ai.request.top_p"
    public static let genAIRequestTopK: StaticString = "gen_ai.request.top_k"
    public static let genAIRequestStopSequences: StaticString = "gen_ai.request.stop_sequences"
    public static let genAIRequestEncodingFormats: StaticString = "gen_ai.request.encoding_formats"
    public static let genAIRequestFrequencyPenalty: StaticString = "gen_ai.request.frequency_penalty"
    public static let genAIRequestPresencePenalty: StaticString = "gen_ai.request.presence_penalty"
    public static let genAIRequestSeed: StaticString = "gen_ai.request.seed"
    public static let genAIRequestStream: StaticString = "gen_ai.request.stream"
    public static let genAIOutputType: StaticString = "gen_ai.output.type"
    public static let genAIEmbeddingsDimensionCount: StaticString = "gen_ai.embeddings.dimension.count"
    public static let genAIConversationID: StaticString = "gen_ai.conversation.id"
    public static let genAIResponseID: StaticString = "gen_ai.response.id"
    public static let genAIResponseModel: StaticString = "gen_ai.response.model"
    public static let genAIResponseFinishReasons: StaticString = "gen_ai.response.finish_reasons"
    public static let genAIResponseTimeToFirstChunk: StaticString = "gen_ai.response.time_to_first_chunk"
    public static let genAIUsageInputTokens: StaticString = "gen_ai.usage.input_tokens"
    public static let genAIUsageOutputTokens: StaticString = "gen_ai.usage.output_tokens"
    public static let genAIUsageCacheReadInputTokens: StaticString = "gen_ai.usage.cache_read.input_tokens"
    public static let genAIUsageCacheCreationInputTokens: StaticString = "gen_ai.usage.cache_creation.input_tokens"
    public static let genAIUsageReasoningOutputTokens: StaticString = "gen_ai.usage.reasoning.output_tokens"
    public static let genAITokenType: StaticString = "gen_ai.token.type"
    // OpenAI's own, https://github.com/open-telemetry/semantic-conventions/blob/v1.41.1/model/openai/registry.yaml
    public static let openAIRequestServiceTier: StaticString = "openai.request.service_tier"
    public static let openAIResponseServiceTier: StaticString = "openai.response.service_tier"

    // Ours: what the conventions lack.
    /// `ipv4`, `ipv6` or `service`.
    public static let dnsQuestionType: StaticString = "pellucid.dns.question.type"
    public static let requestID: StaticString = "pellucid.request.id"
    public static let service: StaticString = "pellucid.service"
    public static let route: StaticString = "pellucid.route"
    public static let consumer: StaticString = "pellucid.consumer"
    public static let configHash: StaticString = "pellucid.config.hash"
    public static let outcome: StaticString = "pellucid.outcome"
    public static let cost: StaticString = "pellucid.cost"
    public static let usageSource: StaticString = "pellucid.usage.source"
    public static let droppedScopes: StaticString = "pellucid.dropped_scopes"
    public static let stagePlugin: StaticString = "pellucid.stage.plugin"
    public static let stagePhase: StaticString = "pellucid.stage.phase"
    public static let stageVerdict: StaticString = "pellucid.stage.verdict"
    public static let stageAction: StaticString = "pellucid.stage.action"
    public static let stageOutcome: StaticString = "pellucid.stage.outcome"
    public static let stageMode: StaticString = "pellucid.stage.mode"
    public static let stageBytesDelta: StaticString = "pellucid.stage.bytes.delta"
    /// Tokens that a stage added to what it changed, by the estimate of docs/tokens.md.
    public static let stageTokensDelta: StaticString = "pellucid.stage.tokens.delta"
    public static let stageBusyNanoseconds: StaticString = "pellucid.stage.busy_ns"
    public static let stageEventCount: StaticString = "pellucid.stage.events"
    /// Of a stream stage: how long it kept events back in all and at most, and how many verdicts it waited for.
    public static let stageHeldNanoseconds: StaticString = "pellucid.stage.held_ns"
    public static let stageLongestHoldNanoseconds: StaticString = "pellucid.stage.longest_hold_ns"
    /// Of a stream stage: from the first event it was given to the first it gave out, nanoseconds: what it added to the time to the first token.
    public static let stageFirstTokenDelayNanoseconds: StaticString = "pellucid.stage.first_token_delay_ns"
    public static let stageEvaluations: StaticString = "pellucid.stage.evaluations"
    public static let chunkCount: StaticString = "pellucid.stream.chunks"
    public static let connectionReused: StaticString = "pellucid.connection.reused"
    /// Comma-separated fields of a request that its provider cannot express and that were left out.
    public static let translationDropped: StaticString = "pellucid.translation.dropped"
    /// The client's format, where the answer was translated into it.
    public static let translationFormat: StaticString = "pellucid.translation.format"
    /// Images in an answer: what the providers charge for that tell no tokens.
    public static let imageCount: StaticString = "pellucid.images"
    /// The service tier that a provider says it served, in its spelling; OpenAI's has a name of the conventions.
    public static let serviceTier: StaticString = "pellucid.provider.service_tier"
    public static let providerRequestID: StaticString = "pellucid.provider.request.id"
    // What a provider says its account may have in a period, and has left of it; as its answers' fields tell, in requests or tokens.
    public static let providerLimitRequests: StaticString = "pellucid.provider.ratelimit.limit.requests"
    public static let providerLimitTokens: StaticString = "pellucid.provider.ratelimit.limit.tokens"
    public static let providerLimitInputTokens: StaticString = "pellucid.provider.ratelimit.limit.input_tokens"
    public static let providerLimitOutputTokens: StaticString = "pellucid.provider.ratelimit.limit.output_tokens"
    public static let providerRemainingRequests: StaticString = "pellucid.provider.ratelimit.remaining.requests"
    public static let providerRemainingTokens: StaticString = "pellucid.provider.ratelimit.remaining.tokens"
    public static let providerRemainingInputTokens: StaticString = "pellucid.provider.ratelimit.remaining.input_tokens"
    public static let providerRemainingOutputTokens: StaticString = "pellucid.provider.ratelimit.remaining.output_tokens"
    /// Seconds that a provider asks to be left alone.
    public static let providerRetryAfter: StaticString = "pellucid.provider.retry_after"
    /// `requests`, `tokens`, `input_tokens` or `output_tokens`.
    public static let providerLimitKind: StaticString = "pellucid.provider.ratelimit.kind"
    /// Where credentials for an upstream came from: `environment`, `assume_role`, `metadata_server`, …
    public static let credentialSource: StaticString = "pellucid.credential.source"
    public static let balancerAlgorithm: StaticString = "pellucid.balancer.algorithm"
    public static let balancerTarget: StaticString = "pellucid.balancer.target"
    public static let balancerCandidates: StaticString = "pellucid.balancer.candidates"
    public static let balancerReason: StaticString = "pellucid.balancer.reason"
    /// won, lost: of two targets that were asked at once.
    public static let balancerHedge: StaticString = "pellucid.balancer.hedge"
    /// `copy` on the span of a mirrored request's copy.
    public static let balancerMirrorRole: StaticString = "pellucid.balancer.mirror.role"
    public static let balancerSkipped: StaticString = "pellucid.balancer.skipped"
    // Of a WebSocket session, on the attempt that carries it; sent is towards the upstream.
    public static let webSocketMessagesSent: StaticString = "pellucid.websocket.messages.sent"
    public static let webSocketMessagesReceived: StaticString = "pellucid.websocket.messages.received"
    public static let webSocketBytesSent: StaticString = "pellucid.websocket.bytes.sent"
    public static let webSocketBytesReceived: StaticString = "pellucid.websocket.bytes.received"
    public static let webSocketCloseCode: StaticString = "pellucid.websocket.close.code"
    public static let webSocketCloseInitiator: StaticString = "pellucid.websocket.close.initiator"
    /// Answers of a realtime session that ended, whatever their status.
    public static let realtimeResponses: StaticString = "pellucid.realtime.responses"
}
