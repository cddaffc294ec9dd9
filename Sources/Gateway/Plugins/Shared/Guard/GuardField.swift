public import Telemetry

/// What a content guard may record: Kong's names below `ai.proxy.<guard>` (https://developer.konghq.com/ai-gateway/ai-audit-log-reference/), and how far a guard that
/// failed let traffic go.
public enum GuardField: EvidenceField {
    case mode
    /// Milliseconds of waiting for the service, in all windows of a stream together.
    case inputLatency, outputLatency
    case inputBlockReason, outputBlockReason
    /// The plugin that blocked.
    case inputBlockSource, outputBlockSource
    /// Id of the consumer whose traffic was blocked, or `unknown`.
    case inputBlockConsumer, outputBlockConsumer
    /// What the service said about a block, as JSON, where that holds no content.
    case inputBlockDetail, outputBlockDetail
    case triggeredCount
    case inputMasked, outputMasked
    /// The texts that were blocked; only where `log_blocked_content` asks for them.
    case faultyPrompt, faultyResponse
    /// Why traffic could not be judged and went on all the same (`stop_on_error: false`).
    case inputFailure, outputFailure
    /// Bytes of text that were judged.
    case inputBytes, outputBytes
    // Of single services.
    case inputRequestUUID, outputRequestUUID
    case lakeraServiceURL, lakeraProjectID
    case awsRegion, guardrailsID, guardrailsVersion
    case templateID
    /// `custom_metrics` of a custom guardrail, as a JSON object.
    case customMetrics
    case azureTenantID, azureClientID, azureAPIVersion, azureServiceURL
    /// The thresholds that were breached, by category.
    case hate, selfHarm, sexual, violence

    public var key: StaticString {
        switch self {
        case .mode: "pellucid.guard.mode"
        case .inputLatency: "pellucid.guard.input_processing_latency"
        case .outputLatency: "pellucid.guard.output_processing_latency"
        case .inputBlockReason: "pellucid.guard.input_block_reason"
        case .outputBlockReason: "pellucid.guard.output_block_reason"
        case .inputBlockSource: "pellucid.guard.input_block_source"
        case .outputBlockSource: "pellucid.guard.output_block_source"
        case .inputBlockConsumer: "pellucid.guard.input_block_consumer_id"
        case .outputBlockConsumer: "pellucid.guard.output_block_consumer_id"
        case .inputBlockDetail: "pellucid.guard.input_block_detail"
        case .outputBlockDetail: "pellucid.guard.output_block_detail"
        case .triggeredCount: "pellucid.guard.guards_triggered_count"
        case .inputMasked: "pellucid.guard.input_masked"
        case .outputMasked: "pellucid.guard.output_masked"
        case .faultyPrompt: "pellucid.guard.input_faulty_prompt"
        case .faultyResponse: "pellucid.guard.output_faulty_response"
        case .inputFailure: "pellucid.guard.input_failed_open"
        case .outputFailure: "pellucid.guard.output_failed_open"
        case .inputBytes: "pellucid.guard.input_text_bytes"
        case .outputBytes: "pellucid.guard.output_text_bytes"
        case .inputRequestUUID: "pellucid.guard.input_request_uuid"
        case .outputRequestUUID: "pellucid.guard.output_request_uuid"
        case .lakeraServiceURL: "pellucid.guard.lakera_service_url"
        case .lakeraProjectID: "pellucid.guard.lakera_project_id"
        case .awsRegion: "pellucid.guard.aws_region"
        case .guardrailsID: "pellucid.guard.guardrails_id"
        case .guardrailsVersion: "pellucid.guard.guardrails_version"
        case .templateID: "pellucid.guard.template_id"
        case .customMetrics: "pellucid.guard.custom_metrics"
        case .azureTenantID: "pellucid.guard.azure_tenant_id"
        case .azureClientID: "pellucid.guard.azure_client_id"
        case .azureAPIVersion: "pellucid.guard.azure_api_version"
        case .azureServiceURL: "pellucid.guard.azure_content_safety_url"
        case .hate: "pellucid.guard.hate"
        case .selfHarm: "pellucid.guard.self_harm"
        case .sexual: "pellucid.guard.sexual"
        case .violence: "pellucid.guard.violence"
        }
    }
}

/// Which way the traffic goes that a guard looks at.
public enum GuardSource: Sendable {
    case input, output

    var name: StaticString { self == .input ? "INPUT" : "OUTPUT" }

    /// The field of this direction.
    func field(_ input: GuardField, _ output: GuardField) -> GuardField { self == .input ? input : output }
}
