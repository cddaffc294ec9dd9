// refused: ?
import GatewayCore
import NIOCore
import Telemetry

func write(_ scope: inout ScopeRecord) { scope.set("x", .int(1)) }
