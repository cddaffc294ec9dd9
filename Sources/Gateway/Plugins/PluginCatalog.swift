public import GatewayCore

/// Every plugin this build serves: one line each.
public enum PluginCatalog {
    public static let plugins: [PluginRegistration] = [
        PluginRegistration(AIAWSGuardrails.self, settings: ["endpoint_url"]),
        PluginRegistration(AIAzureContentSafety.self),
        PluginRegistration(AICustomGuardrail.self),
        PluginRegistration(AIGCPModelArmor.self, settings: ["endpoint_url"]),
        PluginRegistration(AILakeraGuard.self),
        PluginRegistration(AILLMAsJudge.self),
        PluginRegistration(AIPromptCompressor.self),
        PluginRegistration(AIPromptDecorator.self),
        PluginRegistration(AIPromptGuard.self, settings: ["decode_base64", "match_homoglyphs"]),
        PluginRegistration(AIPromptTemplate.self),
        PluginRegistration(AIProxy.self, settings: ["llm_format", "media", "on_unsupported"]),
        PluginRegistration(AIProxyAdvanced.self, settings: ["balancer", "llm_format", "media", "on_unsupported"]),
        PluginRegistration(AIRequestTransformer.self),
        PluginRegistration(AIResponseTransformer.self),
        PluginRegistration(AISanitizer.self),
        PluginRegistration(DirectProxy.self),
        PluginRegistration(FileLog.self),
        PluginRegistration(HTTPLog.self),
        PluginRegistration(IPRestriction.self),
        PluginRegistration(KeyAuth.self, scopes: [.service, .route]),
        PluginRegistration(OpenTelemetry.self),
        PluginRegistration(Prometheus.self),
        PluginRegistration(RequestSizeLimiting.self),
        PluginRegistration(RequestTermination.self),
        PluginRegistration(Syslog.self),
        PluginRegistration(TCPLog.self),
        PluginRegistration(UDPLog.self),
        PluginRegistration(Zipkin.self),
    ]
}
