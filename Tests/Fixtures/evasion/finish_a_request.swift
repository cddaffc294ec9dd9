// refused: 'finish' is inaccessible due to 'package' protection level
import GatewayCore
import NIOCore
import Telemetry

func end(_ record: consuming RequestRecord) { record.finish(.passed) }
