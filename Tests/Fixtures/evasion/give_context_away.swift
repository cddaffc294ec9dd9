// refused: missing reinitialization of inout parameter 'context' after consume
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        _ = Example.leak(&context)
        return .pass
    }

    static func leak(_ context: inout StageContext<Example>) -> StageContext<Example> { context }
}
