// refused: 'set' is inaccessible due to 'package' protection level
import GatewayCore
import NIOCore
import Telemetry

func write(_ scope: inout ScopeRecord) { scope.set("x", .int(1)) }
