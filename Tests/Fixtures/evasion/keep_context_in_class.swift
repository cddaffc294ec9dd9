// refused: missing reinitialization of inout parameter 'context' after consume
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin, @unchecked Sendable {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    var kept: StageContext<Example>?
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        self.kept = consume context
        return .pass
    }
}
