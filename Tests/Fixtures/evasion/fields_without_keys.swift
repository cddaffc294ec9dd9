// refused: type 'Example.Field' does not conform to protocol 'EvidenceField'
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    enum Field: EvidenceField { case a }
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        return .pass
    }
}
