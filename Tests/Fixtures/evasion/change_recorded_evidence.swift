// refused: cannot assign to property: 'root' setter is inaccessible
import GatewayCore
import NIOCore
import Telemetry

func change(_ evidence: RequestEvidence) { evidence.root.status = 200 }
