// refused: capture of 'context' with non-Sendable type 'StageContext<Example>' in a '@Sendable' closure
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        let write: @Sendable (Int64) -> Void = { context.set(.seen, .int($0)) }
        write(1)
        return .pass
    }
}
