// refused: type 'Example' does not conform to protocol 'RequestPlugin'
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest) async throws(PluginFailure) -> RequestVerdict { .pass }
}
