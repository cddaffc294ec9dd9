// compiles
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {}

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        context.set(.seen, .int(1))
        let answer = try await context.call(Oracle(), "question")
        context.set(.seen, .int(Int64(answer)))
        if answer > 100 { throw PluginFailure("example_failed", message: "free text is for the log") }
        return .reject(Rejection(status: 403, code: "example_denied", message: "no"))
    }
}
