// refused: cannot find type 'RequestStage' in scope
import GatewayCore
import NIOCore
import Telemetry

struct Mine: RequestStage {}
