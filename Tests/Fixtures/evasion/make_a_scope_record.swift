// refused: 'ScopeRecord' initializer is inaccessible due to 'internal' protection level
import GatewayCore
import NIOCore
import Telemetry

func forge(_ evidence: RequestEvidence) -> ScopeRecord { ScopeRecord(evidence: evidence, index: 0, spanID: 1) }
