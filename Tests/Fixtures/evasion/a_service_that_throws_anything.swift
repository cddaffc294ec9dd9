// refused: type 'Bad' does not conform to protocol 'OutsideService'
import GatewayCore
import NIOCore
import Telemetry

struct Bad: OutsideService {
    static let callName: StaticString = "bad"
    func ask(_ query: String, _ permit: inout CallPermit) async throws -> Int { throw CancellationError() }
}
