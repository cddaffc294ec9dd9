// refused: 'begin' is inaccessible due to 'package' protection level
import GatewayCore
import NIOCore
import Telemetry

func begin(_ loop: LoopTelemetry) -> RequestRecord { loop.begin(parent: nil, isSampled: true) }
