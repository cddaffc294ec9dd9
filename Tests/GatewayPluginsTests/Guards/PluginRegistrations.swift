import GatewayCore
import GatewayPlugins

/// The catalog, for tests of configurations.
enum PluginRegistrations {
    static let all = PluginCatalog.plugins
}
