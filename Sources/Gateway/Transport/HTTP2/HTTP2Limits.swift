/// What a client may make the gateway do on one HTTP/2 connection; beyond a rate the connection is ended.
public struct HTTP2Limits: Sendable, Equatable {
    /// Streams at once (SETTINGS_MAX_CONCURRENT_STREAMS); nginx' default.
    public var concurrentStreams = 128
    /// Bytes of a request body a stream may send ahead of its reader.
    public var streamWindowBytes = 65_535
    /// Bytes of request bodies that may be on their way, all streams of a connection together. Given back as they arrive: a body whose reader is slow holds up its own stream only.
    public var connectionWindowBytes = 1 << 20
    /// Bytes of a response that wait for the client's window before the upstream is no longer read.
    public var streamOutputBytes = 65_536
    /// Streams a client may reset in ``rateSeconds`` (CVE-2023-44487).
    public var resets = 200
    /// SETTINGS, PING and PRIORITY frames it may send in that time.
    public var controlFrames = 200
    /// Requests that break the protocol, and fields beyond the limits, it may send in that time.
    public var streamErrors = 200
    public var rateSeconds: UInt64 = 30
    /// DATA frames without content, one after the other.
    public var emptyDataFrames = 16

    public init() {}
}

/// How often something happened in the current span of time.
struct HTTP2Rate {
    private var count = 0
    private var since: UInt64 = 0

    /// Counts once more.
    ///
    /// - Parameter now: ``MonotonicClock`` nanoseconds.
    /// - Returns: whether that is within `limit` for a span of so many seconds.
    mutating func allows(_ limit: Int, per seconds: UInt64, now: UInt64) -> Bool {
        if now &- self.since >= seconds &* 1_000_000_000 {
            self.since = now
            self.count = 0
        }
        self.count += 1
        return self.count <= limit
    }
}
