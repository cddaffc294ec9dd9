// refused: cannot convert return expression of type 'String' to return type 'StaticString'
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    enum Field: EvidenceField {
        case a
        var key: StaticString { String(describing: self) }
    }
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        return .pass
    }
}
