public import GatewayCore

/// Every plugin this build serves: one line each.
public enum PluginCatalog {
    public static let plugins: [PluginRegistration] = [
        PluginRegistration(AIProxy.self),
        PluginRegistration(DirectProxy.self),
        PluginRegistration(FileLog.self),
        PluginRegistration(KeyAuth.self, scopes: [.service, .route]),
        PluginRegistration(OpenTelemetry.self),
        PluginRegistration(Prometheus.self),
    ]
}
