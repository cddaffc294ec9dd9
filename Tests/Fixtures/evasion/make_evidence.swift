// refused: 'RequestEvidence' initializer is inaccessible due to 'package' protection level
import GatewayCore
import NIOCore
import Telemetry

func make() -> RequestEvidence { RequestEvidence() }
