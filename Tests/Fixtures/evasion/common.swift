import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

struct Settings: GatewayConfiguration {
    init(from node: inout ConfigurationNode) {}
}

enum Fact: EvidenceField {
    case seen
    var key: StaticString { "example.seen" }
}

struct Oracle: OutsideService {
    static let callName: StaticString = "oracle"
    func ask(_ query: String, _ permit: inout CallPermit) async throws(PluginFailure) -> Int { query.count }
}
