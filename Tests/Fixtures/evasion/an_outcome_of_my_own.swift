// refused: enum 'case' is not allowed outside of an enum
import GatewayCore
import NIOCore
import Telemetry

extension Outcome {
    case splendid
}
