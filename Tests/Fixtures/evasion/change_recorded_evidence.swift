// refused: ?
import GatewayCore
import NIOCore
import Telemetry

func change(_ evidence: RequestEvidence) { evidence.root.status = 200 }
