import GatewayCore
import GatewayPlugins
import GatewayProviders

/// The catalogs, for tests of configurations.
enum PluginRegistrations {
    static let all = PluginCatalog.plugins
    static let providers = ProviderCatalog.directory
}
