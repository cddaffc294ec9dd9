// refused: 'caller' is inaccessible due to 'private' protection level
import GatewayCore
import NIOCore
import Telemetry

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    private let http: HTTPService
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) { self.http = services.http }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        _ = try? await self.http.caller.exchange(HTTPCall(url: "http://example.test/"))
        return .pass
    }
}
