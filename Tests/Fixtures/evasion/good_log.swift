// compiles
import GatewayCore
import NIOCore
import Telemetry

final class Example: LogPlugin {
    typealias Field = NoEvidence
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    var sink: (any EvidenceConsumer)? { nil }
}
