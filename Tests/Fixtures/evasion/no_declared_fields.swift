// refused: type 'Example' does not conform to protocol 'GatewayPlugin'
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        return .pass
    }
}
