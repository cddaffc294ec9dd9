/// What is recorded of a request as a whole: the root SERVER span, the request metrics and the head of the audit line are views of it.
///
/// Trivially copyable. Times are nanoseconds of ``MonotonicClock``; zero means "did not happen". Sizes are bytes on the client's side.
public struct RootEvidence: Sendable {
    public var startMonotonic: UInt64 = 0
    public var endMonotonic: UInt64 = 0
    /// Calendar time of the start, nanoseconds since the epoch.
    public var startWall: UInt64 = 0

    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    public var spanID: UInt64 = 0
    /// The caller's span, or 0 for a new trace.
    public var parentSpanID: UInt64 = 0
    public var isSampled = false
    /// Why the head decision is what it is.
    public var samplingReason = SamplingReason.ratio
    /// Set after the end where the outcome makes up for a negative head decision.
    public internal(set) var tailReason: SamplingReason?
    /// Whether the spans are to be exported, by either decision.
    public var isExported: Bool { self.isSampled || self.tailReason != nil }
    public var traceState = EvidenceText()

    /// 128 random bits shown as 32 hex digits: `X-Kong-Request-Id`.
    public var requestIDHigh: UInt64 = 0
    public var requestIDLow: UInt64 = 0

    public var method = EvidenceText()
    public var scheme = EvidenceText()
    public var host = EvidenceText()
    /// Path without the query: queries may carry keys.
    public var path = EvidenceText()
    public var protocolVersion = EvidenceText()
    public var userAgent = EvidenceText()
    public var clientAddress = EvidenceText()
    public var clientPort: UInt16 = 0
    public var serverAddress = EvidenceText()
    public var serverPort: UInt16 = 0

    /// Allowed request header fields as `name NUL value NUL …`, already redacted.
    public var requestHeaders = EvidenceText()
    public var responseHeaders = EvidenceText()

    /// Bytes of the request: head and body as received.
    public var requestBytes: UInt64 = 0
    public var responseBytes: UInt64 = 0
    /// Status sent to the client, 0 when nothing was sent.
    public var status: UInt16 = 0
    /// Index of the attempt that the client's answer comes from; nil: the last one, as where each followed the failure of the one before.
    var answeringIndex: UInt16?
    /// Status of the answering attempt, 0 when there was none.
    public var upstreamStatus: UInt16 = 0
    /// `scheme://host:port/path` of the answering attempt.
    public var upstreamURI = EvidenceText()

    /// Why the request failed, a bounded code; empty when it did not.
    public var errorType = EvidenceText()
    public var outcome = Outcome.abandoned
    /// Where the response came from, as Kong's `source`: `upstream`, `kong` (a plugin or the gateway) or `error`.
    public var source = EvidenceText()

    /// Id of the credential that authenticated the client: Kong's `authenticated_entity.id`.
    public var credentialID = EvidenceText()

    /// Time the request's last body byte was read, and the first and last byte of the response left.
    public var requestReadAt: UInt64 = 0
    public var firstByteAt: UInt64 = 0
    /// When the first content of a streamed answer was handed to the client, which stages may have held back: nanoseconds of ``MonotonicClock``; 0: none was.
    public var firstContentAt: UInt64 = 0
    /// Sum over attempts of connect-to-last-byte, as a union of intervals, nanoseconds.
    public var upstreamNanoseconds: UInt64 = 0
    /// From the first upstream attempt to its response head: Kong's "proxy" latency.
    public var upstreamWaitNanoseconds: UInt64 = 0

    /// Stage scopes not recorded because the request had too many.
    public var droppedScopes: UInt16 = 0

    public init() {}

    /// Index of the attempt that answered, of so many; -1 without any. Attempts made side by side end in any order, so it need not be the last.
    @inline(__always)
    package func answeringAttempt(of count: Int) -> Int {
        guard let index = self.answeringIndex, Int(index) < count else { return count &- 1 }
        return Int(index)
    }
}
