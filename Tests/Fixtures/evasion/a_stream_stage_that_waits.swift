// refused: type 'Example' does not conform to protocol 'StreamPlugin'
import GatewayCore
import NIOCore
import Telemetry

final class Example: StreamPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func open(_ request: borrowing GatewayRequest) -> Int { 0 }
    func handle(_ event: inout StreamEvent, _ state: inout Int, _ context: inout StageContext<Example>) async throws(PluginFailure) -> StreamVerdict { .pass }
    func finish(_ state: inout Int, _ context: inout StageContext<Example>) throws(PluginFailure) -> [StreamEvent] { [] }
}
