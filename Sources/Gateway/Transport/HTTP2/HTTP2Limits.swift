/// What a client may make the gateway do on one HTTP/2 connection; beyond a rate the connection is ended.
public struct HTTP2Limits: Sendable, Equatable {
    /// Streams at once (SETTINGS_MAX_CONCURRENT_STREAMS); nginx' default.
    public var concurrentStreams = 128
    /// Bytes of a request body a stream may send ahead of its reader.
    public var streamWindowBytes = 65_535
    /// The same for all streams of a connection together.
    public var connectionWindowBytes = 1 << 20
    /// Bytes of a response that wait for the client's window before the upstream is no longer read.
    public var streamOutputBytes = 65_536
    /// Streams a client may reset in ``rateSeconds`` (CVE-2023-44487).
    public var resets = 200
    /// SETTINGS, PING and PRIORITY frames it may send in that time.
    public var controlFrames = 200
    /// Malformed requests it may send in that time, and in all.
    public var streamErrors = 200
    public var rateSeconds: Int64 = 30
    /// Answers to control frames that may wait for a client that does not read.
    public var queuedControlFrames = 1_000

    public init() {}
}
