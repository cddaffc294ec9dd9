/// Where the audit stream is written and how hard.
public struct AuditStreamOptions: Sendable {
    /// When written lines are forced to the disk.
    public enum Synchronization: Sendable, Equatable {
        /// Left to the operating system: a crash of the machine may lose what it had not written.
        case none
        /// Once in this many milliseconds at most.
        case interval(milliseconds: Int)
        /// After every write (at most 100 ms after the request).
        case always
    }

    /// File to append to; it is made with mode 0640 where it does not exist.
    public var path: String
    /// Key of the HMAC; nil chains with plain SHA-256. Whoever can write the file can recompute a plain chain, but not a keyed one.
    public var key: [UInt8]?
    public var synchronization = Synchronization.interval(milliseconds: 1000)
    /// Bytes after which lines are written without waiting for the next tick.
    public var bufferBytes = 65_536
    /// Size after which the file is closed and a new one begun, bytes; 0: never.
    public var rotateBytes = 0
    /// Age of a file's first line after which the same happens, seconds; 0: never.
    public var rotateSeconds = 0
    /// Closed files that are kept; 0: all.
    public var keptFiles = 0
    /// Age of a closed file's last line after which it is removed, seconds; 0: never.
    public var keptSeconds = 0
    /// Whether closed files are compressed with LZ4.
    public var compressesClosedFiles = true
    /// Version and configuration hash for the start record; left out when empty.
    public var version = ""
    public var configurationHash = ""

    public init(path: String, key: [UInt8]? = nil) {
        self.path = path
        self.key = key
    }
}
