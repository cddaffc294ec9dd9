// refused: cannot convert value of type 'StageContext<Example<Other>>' to expected argument type 'StageContext<Other>'
import GatewayCore
import NIOCore
import Telemetry

final class Example<Other: RequestPlugin>: RequestPlugin {
    typealias Field = Fact
    static var descriptor: PluginDescriptor { PluginDescriptor(name: "example", priority: 1) }
    let other: Other
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) { throw ConfigurationError(issues: []) }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        try await self.other.handle(&request, &context)
    }
}
