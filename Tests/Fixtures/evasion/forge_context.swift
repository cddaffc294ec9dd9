// refused: 'StageContext<Plugin>' initializer is inaccessible due to 'internal' protection level
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        context = StageContext<Example>(forged())
        return .pass
    }
}

func forged() -> ScopeRecord { fatalError() }
