// compiles
import GatewayCore
import NIOCore
import Telemetry

final class Example: ResponsePlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    var need: ResponseNeed { .body(limit: 1000) }

    func handle(_ response: inout GatewayResponse, _ context: inout StageContext<Example>) async throws(PluginFailure) -> ResponseVerdict {
        context.set(.seen, .int(Int64(response.body.readableBytes)))
        return .pass
    }
}
