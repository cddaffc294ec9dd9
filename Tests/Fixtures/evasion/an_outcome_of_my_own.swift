// refused: ?
import GatewayCore
import NIOCore
import Telemetry

extension Outcome {
    case splendid
}
