/// `_pellucid.spool`: the directory telemetry waits in while a collector is away.
public struct SpoolSettings: GatewayConfiguration, Hashable {
    /// Whether telemetry is spooled to disk. Default true.
    public let isEnabled: Bool
    /// Directory; nil puts it into the state directory.
    public let path: String?
    /// Disk it may use; the oldest goes first. Default 512 MiB, 1 MiB to 1 TiB.
    public let maximumBytes: Int
    /// Age at which a batch is given up. Default 24 hours, 60 to 2,592,000 seconds.
    public let maximumAgeSeconds: Double
    /// Time a batch may wait in memory before it is written: what a crash can lose. Default 1, 0.05 to 60.
    public let flushSeconds: Double
    /// Whether each batch is forced to the disk: then a power cut loses no more than a killed process does. Default false.
    public let isSynchronized: Bool

    public init(from node: inout ConfigurationNode) {
        self.isEnabled = node.bool("enabled", default: true)
        self.path = node.optionalString("path", .nonEmpty)
        self.maximumBytes = node.int("maximum_bytes", default: 512 << 20, in: (1 << 20)...(1 << 40))
        self.maximumAgeSeconds = node.number("maximum_age_seconds", default: 86_400, in: 60...2_592_000)
        self.isSynchronized = node.bool("fsync", default: false)
        self.flushSeconds = node.number("flush_seconds", default: 1, in: 0.05...60)
    }
}
