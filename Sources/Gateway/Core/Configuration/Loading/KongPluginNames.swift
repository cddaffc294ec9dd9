/// Names of the plugins Kong 3.15 ships, to tell a plugin that is not here from a typing error.
///
/// Source: https://developer.konghq.com/plugins/ (plugins made by Kong) and `BUNDLED_PLUGINS` of Kong's constants.
public enum KongPluginNames {
    /// The names, in alphabetical order.
    public static let all: [String] = [
        "ace", "acl", "acme", "ai-a2a-proxy", "ai-aws-guardrails", "ai-azure-content-safety", "ai-custom-guardrail",
        "ai-gcp-model-armor", "ai-lakera-guard", "ai-llm-as-judge", "ai-mcp-oauth2", "ai-mcp-proxy", "ai-prompt-compressor",
        "ai-prompt-decorator", "ai-prompt-guard", "ai-prompt-template", "ai-proxy", "ai-proxy-advanced", "ai-rag-injector",
        "ai-rate-limiting-advanced", "ai-request-transformer", "ai-response-transformer", "ai-sanitizer", "ai-semantic-cache",
        "ai-semantic-prompt-guard", "ai-semantic-response-guard", "app-dynamics", "aws-lambda", "azure-functions", "basic-auth",
        "bot-detection", "canary", "confluent", "confluent-consume", "correlation-id", "cors", "datadog", "datakit", "degraphql",
        "exit-transformer", "file-log", "forward-proxy", "graphql-proxy-cache-advanced", "graphql-rate-limiting-advanced",
        "grpc-gateway", "grpc-web", "header-cert-auth", "hmac-auth", "http-log", "injection-protection", "ip-restriction", "jq",
        "json-threat-protection", "jwe-decrypt", "jwt", "jwt-signer", "kafka-consume", "kafka-log", "kafka-upstream", "key-auth",
        "key-auth-enc", "ldap-auth", "ldap-auth-advanced", "loggly", "metering-and-billing", "mocking", "mtls-auth",
        "oas-validation", "oauth2", "oauth2-introspection", "opa", "openid-connect", "opentelemetry", "post-function",
        "pre-function", "prometheus", "proxy-cache", "proxy-cache-advanced", "rate-limiting", "rate-limiting-advanced",
        "redirect", "request-callout", "request-size-limiting", "request-termination", "request-transformer",
        "request-transformer-advanced", "request-validator", "response-ratelimiting", "response-transformer",
        "response-transformer-advanced", "route-by-header", "route-transformer-advanced", "saml", "service-protection", "session",
        "solace-consume", "solace-log", "solace-upstream", "standard-webhooks", "statsd", "syslog", "tcp-log",
        "tls-handshake-modifier", "tls-metadata-headers", "udp-log", "upstream-oauth", "upstream-timeout", "vault-auth",
        "websocket-size-limit", "websocket-validator", "xml-threat-protection", "zipkin",
    ]
}
