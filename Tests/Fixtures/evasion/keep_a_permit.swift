// refused: missing reinitialization of inout parameter 'permit' after consume
import GatewayCore
import NIOCore
import Telemetry

final class Hoard: OutsideService, @unchecked Sendable {
    static let callName: StaticString = "hoard"
    var kept: CallPermit?
    func ask(_ query: String, _ permit: inout CallPermit) async throws(PluginFailure) -> Int {
        self.kept = consume permit
        return 1
    }
}
