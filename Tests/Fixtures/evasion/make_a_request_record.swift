// refused: 'RequestRecord' initializer is inaccessible due to 'internal' protection level
import GatewayCore
import NIOCore
import Telemetry

func forge(_ evidence: RequestEvidence, _ loop: LoopTelemetry) -> RequestRecord { RequestRecord(evidence: evidence, telemetry: loop) }
