/// `_pellucid.audit`: the JSON line written for every finished request.
public struct AuditSettings: GatewayConfiguration, Hashable {
    /// Whether the stream is written. Default true.
    public let isEnabled: Bool
    /// File; nil puts it into the state directory.
    public let path: String?
    /// When lines are forced to the disk.
    public let fsync: FsyncPolicy
    /// Seconds between forced writes with `fsync: interval`. Default 1, 0.1 to 3,600.
    public let fsyncIntervalSeconds: Double
    /// Size at which the file is closed and a new one begun. Default 256 MiB, at least 1 MiB; 0 never.
    public let rotateBytes: Int
    /// Age of a file's first line at which the same happens, seconds. Default 0, which is never; at least 60.
    public let rotateSeconds: Int
    /// Closed files that are kept. Default 0, which is all.
    public let keptFiles: Int
    /// Age at which closed files are removed, seconds since their last line. Default 0, which is never; at least 3,600.
    public let keptSeconds: Int
    /// Whether closed files are compressed with LZ4. Default true.
    public let compressesClosedFiles: Bool
    /// Key of the HMAC that chains lines; without it the chain is SHA-256. A secret.
    public let hmacKey: String?

    /// When written lines are forced to the disk.
    public enum FsyncPolicy: String, Sendable, Hashable, CaseIterable {
        /// The operating system decides.
        case never
        /// Every some seconds.
        case interval
        /// After every batch of lines.
        case always
    }

    public init(from node: inout ConfigurationNode) {
        self.isEnabled = node.bool("enabled", default: true)
        self.path = node.optionalString("path", .nonEmpty)
        self.fsync = node.choice("fsync", default: .interval)
        self.fsyncIntervalSeconds = node.number("fsync_interval_seconds", default: 1, in: 0.1...3_600)
        let rotate = node.int("rotate_bytes", default: 256 << 20, in: 0...(1 << 40))
        if rotate > 0, rotate < 1 << 20 { node.report("\(rotate) is less than 1048576", at: "rotate_bytes", hint: "0 turns rotation off") }
        self.rotateBytes = rotate
        let age = node.int("rotate_seconds", default: 0, in: 0...31_536_000)
        if age > 0, age < 60 { node.report("\(age) is less than 60", at: "rotate_seconds", hint: "0 turns rotation by age off") }
        self.rotateSeconds = age
        let kept = node.int("kept_seconds", default: 0, in: 0...(1 << 40))
        if kept > 0, kept < 3_600 { node.report("\(kept) is less than 3600", at: "kept_seconds", hint: "0 keeps files whatever their age") }
        self.keptSeconds = kept
        self.keptFiles = node.int("kept_files", default: 0, in: 0...100_000)
        self.compressesClosedFiles = node.bool("compress", default: true)
        self.hmacKey = node.optionalString("hmac_key", .length(16...1_024), referenceable: true)
    }
}
