/// Where a token count came from; the `pellucid.usage.source` attribute (DESIGN: truth rules).
public enum UsageSource: UInt8, Sendable {
    /// No model was reached, or the operation has no tokens.
    case none
    case providerReported
    case counted
    case estimated
    /// The stream ended before the provider reported.
    case partial

    public var name: StaticString {
        switch self {
        case .none: "none"
        case .providerReported: "provider_reported"
        case .counted: "counted"
        case .estimated: "estimated"
        case .partial: "partial"
        }
    }
}

/// Token counts of one model operation.
public struct TokenUsage: Sendable, Equatable {
    public var input: Int64 = 0
    public var output: Int64 = 0
    public var cachedInput: Int64 = 0
    public var reasoning: Int64 = 0
    /// Input tokens written to the provider's cache; part of `input`.
    public var cacheWrites: Int64 = 0
    /// Those of `cacheWrites` that the provider keeps for an hour rather than minutes, which some charge more for.
    public var hourCacheWrites: Int64 = 0
    /// Tokens of sound; parts of `input` and `output`.
    public var inputAudio: Int64 = 0
    public var outputAudio: Int64 = 0
    public var source = UsageSource.none

    public init() {}
    /// Input and output together; the most there can be where a provider claims more.
    public var total: Int64 {
        let (sum, isTooMuch) = self.input.addingReportingOverflow(self.output)
        return isTooMuch ? .max : sum
    }
}

/// What is recorded of one upstream attempt: a CLIENT span, the GenAI client metrics and an entry of `tries` are views of it.
public struct AttemptEvidence: Sendable {
    /// `gen_ai.operation.name`, empty for an ordinary HTTP upstream.
    public var operation = EvidenceText()
    /// `gen_ai.provider.name`.
    public var provider = EvidenceText()
    public var requestModel = EvidenceText()
    /// Whether the configuration names the request model, so that clients cannot invent values of it.
    public var isModelConfigured = false
    public var responseModel = EvidenceText()
    public var responseID = EvidenceText()
    /// Comma-separated finish reasons, in the provider's spelling.
    public var finishReasons = EvidenceText()
    public var serverAddress = EvidenceText()
    public var serverPort: UInt16 = 0
    /// The address connected to, for Kong's `tries[].ip`.
    public var peerAddress = EvidenceText()
    public var method = EvidenceText()
    public var path = EvidenceText()
    public var status: UInt16 = 0
    public var errorType = EvidenceText()
    /// The provider's own request id header.
    public var providerRequestID = EvidenceText()
    public var usage = TokenUsage()
    /// Configured price applied to the usage, in the configured currency; 0 without prices.
    public var cost = 0.0
    public var hasCost = false
    /// Whether the answer told of limits: they are attributes of the attempt's scope (``ProviderLimit``).
    public var hasProviderLimits = false
    public var isStream = false
    public var isConnectionReused = false
    /// `http.request.resend_count`: 0 for the first attempt.
    public var resendCount: UInt16 = 0
    /// What came of it where two targets were asked at once: won, lost; empty: only one was.
    public var hedge = EvidenceText()
    /// The balancer's name of the target; empty: no balancer chose it.
    public var balancerTarget = EvidenceText()
    /// The configured plugin entity that directed the attempt (Kong's `ai.proxy.meta.plugin_id`).
    public var pluginID = EvidenceText()
    /// Whether Kong's `ai.proxy` statistics belong in the audit line (`logging.log_statistics`).
    public var logsStatistics = false
    public var requestPayload = EvidenceText()
    public var responsePayload = EvidenceText()

    public var connectedAt: UInt64 = 0
    public var sentAt: UInt64 = 0
    public var headAt: UInt64 = 0
    public var firstChunkAt: UInt64 = 0
    public var lastChunkAt: UInt64 = 0
    public var chunkCount: UInt64 = 0
    public var requestBytes: UInt64 = 0
    public var responseBytes: UInt64 = 0

    public init() {}
}
