// refused: ?
import GatewayCore
import NIOCore
import Telemetry

func begin(_ loop: LoopTelemetry) -> RequestRecord { loop.begin(parent: nil, isSampled: true) }
