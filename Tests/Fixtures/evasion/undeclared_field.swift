// refused: cannot convert value of type 'String' to expected argument type 'Example.Field' (aka 'Fact')
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        context.set("prompt_bites", .int(1))
        return .pass
    }
}
