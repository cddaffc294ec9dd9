// refused: missing reinitialization of inout parameter 'permit' after consume
import GatewayCore
import NIOCore
import Telemetry

struct Copier: OutsideService {
    static let callName: StaticString = "copier"
    func ask(_ query: String, _ permit: inout CallPermit) async throws(PluginFailure) -> Int {
        var copy = permit
        return try await Oracle().ask(query, &copy)
    }
}
