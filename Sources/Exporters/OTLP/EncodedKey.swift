internal import Telemetry

/// An attribute key as it stands in a `KeyValue` message: its own field and the tag of the value that follows.
///
/// Made once and kept for the life of the process; writing it is one `memcpy`.
struct EncodedKey: @unchecked Sendable {
    // Unchecked: the bytes are written here and never again.
    let base: UnsafePointer<UInt8>
    let count: Int

    init(_ key: StaticString) {
        var writer = ByteWriter(capacity: 128)
        writer.putField(0x0a, UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        writer.put(0x12)
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: writer.count)
        copy.initialize(from: writer.base, count: writer.count)
        self.base = UnsafePointer(copy)
        self.count = writer.count
    }
}

/// The encoded keys of every attribute that spans carry by themselves.
struct EncodedKeys: Sendable {
    /// The one instance: its bytes are never freed.
    static let shared = EncodedKeys()

    let method = EncodedKey(AttributeNames.httpRequestMethod)
    let status = EncodedKey(AttributeNames.httpResponseStatusCode)
    let httpRoute = EncodedKey(AttributeNames.httpRoute)
    let requestSize = EncodedKey(AttributeNames.httpRequestBodySize)
    let responseSize = EncodedKey(AttributeNames.httpResponseBodySize)
    let resendCount = EncodedKey(AttributeNames.httpRequestResendCount)
    let scheme = EncodedKey(AttributeNames.urlScheme)
    let path = EncodedKey(AttributeNames.urlPath)
    let serverAddress = EncodedKey(AttributeNames.serverAddress)
    let serverPort = EncodedKey(AttributeNames.serverPort)
    let clientAddress = EncodedKey(AttributeNames.clientAddress)
    let clientPort = EncodedKey(AttributeNames.clientPort)
    let peerAddress = EncodedKey(AttributeNames.networkPeerAddress)
    let protocolVersion = EncodedKey(AttributeNames.networkProtocolVersion)
    let userAgent = EncodedKey(AttributeNames.userAgentOriginal)
    let errorType = EncodedKey(AttributeNames.errorType)

    let operation = EncodedKey(AttributeNames.genAIOperationName)
    let provider = EncodedKey(AttributeNames.genAIProviderName)
    let requestModel = EncodedKey(AttributeNames.genAIRequestModel)
    let requestStream = EncodedKey(AttributeNames.genAIRequestStream)
    let responseID = EncodedKey(AttributeNames.genAIResponseID)
    let responseModel = EncodedKey(AttributeNames.genAIResponseModel)
    let finishReasons = EncodedKey(AttributeNames.genAIResponseFinishReasons)
    let timeToFirstChunk = EncodedKey(AttributeNames.genAIResponseTimeToFirstChunk)
    let inputTokens = EncodedKey(AttributeNames.genAIUsageInputTokens)
    let outputTokens = EncodedKey(AttributeNames.genAIUsageOutputTokens)
    let cachedTokens = EncodedKey(AttributeNames.genAIUsageCacheReadInputTokens)
    let cacheCreationTokens = EncodedKey(AttributeNames.genAIUsageCacheCreationInputTokens)
    let reasoningTokens = EncodedKey(AttributeNames.genAIUsageReasoningOutputTokens)

    let requestID = EncodedKey(AttributeNames.requestID)
    let service = EncodedKey(AttributeNames.service)
    let route = EncodedKey(AttributeNames.route)
    let consumer = EncodedKey(AttributeNames.consumer)
    let configHash = EncodedKey(AttributeNames.configHash)
    let outcome = EncodedKey(AttributeNames.outcome)
    let cost = EncodedKey(AttributeNames.cost)
    let usageSource = EncodedKey(AttributeNames.usageSource)
    let droppedScopes = EncodedKey(AttributeNames.droppedScopes)
    let stagePlugin = EncodedKey(AttributeNames.stagePlugin)
    let stagePhase = EncodedKey(AttributeNames.stagePhase)
    let stageVerdict = EncodedKey(AttributeNames.stageVerdict)
    let stageAction = EncodedKey(AttributeNames.stageAction)
    let stageOutcome = EncodedKey(AttributeNames.stageOutcome)
    let stageMode = EncodedKey(AttributeNames.stageMode)
    let bytesDelta = EncodedKey(AttributeNames.stageBytesDelta)
    let tokensDelta = EncodedKey(AttributeNames.stageTokensDelta)
    let busy = EncodedKey(AttributeNames.stageBusyNanoseconds)
    let events = EncodedKey(AttributeNames.stageEventCount)
    let chunks = EncodedKey(AttributeNames.chunkCount)
    let connectionReused = EncodedKey(AttributeNames.connectionReused)
    let providerRequestID = EncodedKey(AttributeNames.providerRequestID)

    private init() {}
}
