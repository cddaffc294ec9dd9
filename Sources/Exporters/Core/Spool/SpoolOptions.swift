/// Where batches wait on disk while their receiver is away, and how much of them.
public struct SpoolOptions: Sendable, Equatable {
    /// Directory below which every stream has one of its own.
    public var directory: String
    /// Disk that all streams may use together, bytes; the oldest segment of the stream that writes goes first.
    public var maximumBytes: Int
    /// Age at which a batch is given up, seconds.
    public var maximumAgeSeconds: Double
    /// Time a batch may wait in memory before it is written, seconds: what a killed process loses.
    public var flushSeconds: Double
    /// Whether each batch is forced to the disk before it counts as spooled. Without it a killed process loses nothing of what was spooled, a machine
    /// that loses its power may lose what the operating system had not written.
    public var isSynchronized = false

    public init(directory: String, maximumBytes: Int = 512 << 20, maximumAgeSeconds: Double = 86_400, flushSeconds: Double = 1) {
        self.directory = directory
        self.maximumBytes = maximumBytes
        self.maximumAgeSeconds = maximumAgeSeconds
        self.flushSeconds = flushSeconds
    }

    /// Size at which a segment is closed: small enough that giving up the oldest loses an eighth at most.
    var segmentBytes: Int { max(1 << 16, min(8 << 20, self.maximumBytes / 8)) }
}
