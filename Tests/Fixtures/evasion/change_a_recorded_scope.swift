// refused: ?
import GatewayCore
import NIOCore
import Telemetry

func change(_ evidence: RequestEvidence) { evidence.scopes[0].outcome = .passed }
