// compiles
import GatewayCore
import NIOCore
import Telemetry

final class Example: AttemptPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func prepare(_ upstream: inout UpstreamRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) {
        context.set(.seen, .bool(true))
        upstream.host = "other.example"
    }
}
