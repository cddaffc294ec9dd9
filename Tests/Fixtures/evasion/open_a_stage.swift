// refused: 'openStage' is inaccessible due to 'package' protection level
import GatewayCore
import NIOCore
import Telemetry

func open(_ record: borrowing RequestRecord) -> ScopeRecord { record.openStage(StageIdentity(plugin: "x", phase: .request)) }
