public import GatewayCore

/// Kong's `queue` of plugins that send in batches. Names, limits and defaults: Kong 3.15; the default batch size differs from plugin to plugin.
public struct LogQueueConfiguration: GatewayConfiguration, Hashable {
    /// Items in one export; 1 to 1,000,000.
    public internal(set) var maximumBatchSize: Int
    /// Wait for a batch to fill. Default 1; 0 to 3,600. With a spool at most its flush time, since what waits here is in memory only.
    public internal(set) var maximumCoalescingDelaySeconds: Double
    /// Items that wait. Default 10,000; 1 to 1,000,000.
    public let maximumEntries: Int
    /// Bytes that wait; nil is no limit.
    public let maximumBytes: Int?
    /// Time after which a batch is given up. Default 60. With a spool its age decides instead.
    public let maximumRetryTimeSeconds: Double
    /// Default 0.01; 0.001 to 1,000,000.
    public let initialRetryDelaySeconds: Double
    /// Default 60; 0.001 to 1,000,000.
    public let maximumRetryDelaySeconds: Double
    /// 1 sends one batch at a time, -1 any number. Default 1.
    public let concurrencyLimit: Int

    public init(from node: inout ConfigurationNode) { self.init(from: &node, defaultBatchSize: 1) }

    init(from node: inout ConfigurationNode, defaultBatchSize: Int) {
        self.maximumBatchSize = node.int("max_batch_size", default: defaultBatchSize, in: 1...1_000_000)
        self.maximumCoalescingDelaySeconds = node.number("max_coalescing_delay", default: 1, in: 0...3_600)
        self.maximumEntries = node.int("max_entries", default: 10_000, in: 1...1_000_000)
        self.maximumBytes = node.optionalInt("max_bytes")
        self.maximumRetryTimeSeconds = node.number("max_retry_time", default: 60)
        self.initialRetryDelaySeconds = node.number("initial_retry_delay", default: 0.01, in: 0.001...1_000_000)
        self.maximumRetryDelaySeconds = node.number("max_retry_delay", default: 60, in: 0.001...1_000_000)
        self.concurrencyLimit = node.int("concurrency_limit", default: 1, oneOf: [-1, 1])
        // The default is in every file that decK wrote, whether somebody cares about it or not.
        if self.maximumRetryTimeSeconds != 60 {
            node.warn("counts only without a spool: with one, a batch is given up at the age of _pellucid.spool.maximum_age_seconds", at: "max_retry_time")
        }
        if self.maximumCoalescingDelaySeconds > 1 { node.warn("is at most _pellucid.spool.flush_seconds (default 1) as long as telemetry is spooled", at: "max_coalescing_delay") }
        if self.concurrencyLimit == -1 { node.warn("is taken as 1: batches are sent one after the other, in order", at: "concurrency_limit") }
    }

    var settings: QueueSettings {
        QueueSettings(
            batchSize: self.maximumBatchSize, batchDelaySeconds: self.maximumCoalescingDelaySeconds, maximumEntries: self.maximumEntries, maximumBytes: self.maximumBytes,
            maximumRetrySeconds: self.maximumRetryTimeSeconds, initialRetryDelaySeconds: self.initialRetryDelaySeconds,
            maximumRetryDelaySeconds: self.maximumRetryDelaySeconds)
    }
}
