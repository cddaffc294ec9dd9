import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import Telemetry

/// What the shared suite has to know of a plugin.
struct PluginContract: Sendable, CustomStringConvertible {
    let descriptor: PluginDescriptor
    /// The least configuration that is valid, as YAML.
    let configuration: String
    /// Kong's priority (kong/plugins/…/handler.lua, `PRIORITY`).
    let priority: Int
    /// Kong's path of the plugin's own fields in log lines.
    let auditPath: String
    /// Whether it has a request stage; otherwise it is a log plugin.
    let hasRequestStage: Bool
    let fieldKeys: [String]

    var name: String { "\(self.descriptor.name)" }
    var description: String { self.name }

    init<Plugin: GatewayPlugin>(_ type: Plugin.Type, configuration: String, priority: Int, auditPath: String) {
        self.descriptor = type.descriptor
        self.configuration = configuration
        self.priority = priority
        self.auditPath = auditPath
        self.hasRequestStage = type is any RequestPlugin.Type
        self.fieldKeys = Plugin.Field.allCases.map { "\($0.key)" }
    }

    /// One entry a line of the catalog.
    static let all: [PluginContract] = [
        PluginContract(
            AIAWSGuardrails.self, configuration: "{aws_region: r, guardrails_id: g, guardrails_version: DRAFT, stop_on_error: false}", priority: 781, auditPath: "ai.proxy.aws-guardrails"),
        PluginContract(
            AIGCPModelArmor.self, configuration: "{project_id: p, location_id: l, template_id: t, stop_on_error: false}", priority: 783, auditPath: "ai.proxy.gcp-model-armor"),
        PluginContract(
            AIAzureContentSafety.self, configuration: "{content_safety_url: \"http://guard.test\", stop_on_error: false}", priority: 774, auditPath: "ai.proxy.azure-content-safety"),
        PluginContract(
            AICustomGuardrail.self, configuration: "{request: {url: \"http://guard.test\"}, response: {block: \"false\", block_message: denied}, stop_on_error: false}", priority: 785,
            auditPath: "ai.proxy.custom-guardrail"),
        PluginContract(AILakeraGuard.self, configuration: "{stop_on_error: false}", priority: 784, auditPath: "ai.proxy.lakera-guard"),
        PluginContract(
            AILLMAsJudge.self, configuration: "{sampling_rate: 0, llm: {route_type: llm/v1/chat, model: {provider: openai, name: judge}}}", priority: 767,
            auditPath: "ai.proxy.ai-llm-as-judge"),
        PluginContract(AIPromptDecorator.self, configuration: "{prompts: {prepend: [{content: brief}]}}", priority: 772, auditPath: "ai.prompt-decorator"),
        PluginContract(AIPromptGuard.self, configuration: "{deny_patterns: [bomb]}", priority: 771, auditPath: "ai.prompt-guard"),
        PluginContract(AIPromptTemplate.self, configuration: "{templates: [{name: t, template: \"{}\"}]}", priority: 773, auditPath: "ai.payload"),
        PluginContract(
            AIProxy.self, configuration: "{route_type: llm/v1/chat, model: {provider: openai, name: gpt-4o}, auth: {header_name: Authorization, header_value: Bearer sk}}", priority: 770,
            auditPath: "ai.proxy"),
        PluginContract(
            AIRequestTransformer.self, configuration: "{prompt: shout, llm: {route_type: llm/v1/chat, model: {provider: openai, name: m}}}", priority: 777,
            auditPath: "ai.ai-request-transformer"),
        PluginContract(
            AIResponseTransformer.self, configuration: "{prompt: shout, llm: {route_type: llm/v1/chat, model: {provider: openai, name: m}}}", priority: 768,
            auditPath: "ai.ai-response-transformer"),
        PluginContract(
            AIProxyAdvanced.self,
            configuration: "{targets: [{route_type: llm/v1/chat, model: {provider: openai, name: gpt-4o}, auth: {header_name: Authorization, header_value: Bearer sk}}]}", priority: 770,
            auditPath: "ai.proxy"),
        PluginContract(AIPromptCompressor.self, configuration: "{compression_ranges: [{min_tokens: 0, max_tokens: 1000, value: 0.5}]}", priority: 771, auditPath: "ai.compressor"),
        PluginContract(AISanitizer.self, configuration: "{anonymize: [email, phone]}", priority: 776, auditPath: "ai.sanitizer"),
        PluginContract(DirectProxy.self, configuration: "{route_type: llm/v1/chat, providers: [{name: openai, key: sk}]}", priority: 770, auditPath: "ai.proxy"),
        PluginContract(FileLog.self, configuration: "{path: requests.log}", priority: 9, auditPath: ""),
        PluginContract(HTTPLog.self, configuration: "{http_endpoint: \"http://logs.test:8080/\"}", priority: 12, auditPath: ""),
        PluginContract(IPRestriction.self, configuration: "{deny: [192.0.2.0/24]}", priority: 990, auditPath: ""),
        PluginContract(KeyAuth.self, configuration: "{}", priority: 1250, auditPath: ""),
        PluginContract(OpenTelemetry.self, configuration: "{traces_endpoint: \"http://collector.test:4318/v1/traces\"}", priority: 14, auditPath: ""),
        PluginContract(Prometheus.self, configuration: "{}", priority: 13, auditPath: ""),
        PluginContract(RequestSizeLimiting.self, configuration: "{}", priority: 951, auditPath: ""),
        PluginContract(RequestTermination.self, configuration: "{}", priority: 2, auditPath: ""),
        PluginContract(Syslog.self, configuration: "{}", priority: 4, auditPath: ""),
        PluginContract(TCPLog.self, configuration: "{host: logs.test, port: 5000}", priority: 7, auditPath: ""),
        PluginContract(UDPLog.self, configuration: "{host: logs.test, port: 5000}", priority: 8, auditPath: ""),
        PluginContract(Zipkin.self, configuration: "{http_endpoint: \"http://zipkin.test:9411/api/v2/spans\"}", priority: 100_000, auditPath: ""),
    ]
}
