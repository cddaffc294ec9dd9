// refused: ?
import GatewayCore
import NIOCore
import Telemetry

func make() -> RequestEvidence { RequestEvidence() }
