// refused: 'record' is borrowed and cannot be consumed
import GatewayCore
import NIOCore
import Telemetry

final class Keeper {
    let record: RequestRecord
    init(_ record: borrowing RequestRecord) { self.record = record }
}
