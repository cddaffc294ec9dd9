// refused: ?
import GatewayCore
import NIOCore
import Telemetry

struct Mine: RequestStage {}
