// refused: thrown expression type 'CancellationError' cannot be converted to error type 'PluginFailure'
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        throw CancellationError()
    }
}
