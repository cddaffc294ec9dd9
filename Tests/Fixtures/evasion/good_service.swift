// compiles
import GatewayCore
import NIOCore
import Telemetry

struct Guard: OutsideService {
    static let callName: StaticString = "guard"
    let http: HTTPService
    func ask(_ query: String, _ permit: inout CallPermit) async throws(PluginFailure) -> Bool {
        do throws(HTTPCallFailure) {
            let answer = try await self.http.send(HTTPCall(url: "https://guard.test/check", body: ByteBuffer(string: query)), &permit)
            return answer.status == 200
        } catch { throw error.pluginFailure }
    }
}

final class Example: RequestPlugin {
    typealias Field = Fact
    static let descriptor = PluginDescriptor(name: "example", priority: 1)
    private let http: HTTPService
    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) { self.http = services.http }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<Example>) async throws(PluginFailure) -> RequestVerdict {
        if try await context.call(Guard(http: self.http), "text") { return .modified }
        return .pass
    }
}
