/// Bounds of a ``SideClient``.
public struct SideClientOptions: Sendable {
    /// Transfers at the same time.
    public var maximumTransfers: Int
    /// Requests that wait for a transfer to end; one more fails with ``SideFailure/Code/queueFull``.
    public var maximumWaiting: Int
    /// Idle connections kept for reuse.
    public var maximumConnections: Int

    public init(maximumTransfers: Int = 64, maximumWaiting: Int = 1024, maximumConnections: Int = 64) {
        self.maximumTransfers = max(1, maximumTransfers)
        self.maximumWaiting = max(0, maximumWaiting)
        self.maximumConnections = max(1, maximumConnections)
    }
}
