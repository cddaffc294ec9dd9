/// Names one request given to a ``SideClient``, so that it can be cancelled.
public struct SideTransfer: Sendable, Hashable {
    let number: UInt64
}
