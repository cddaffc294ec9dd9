import GatewayCore
import GatewayWire
import NIOCore

/// Amazon Bedrock: Converse and ConverseStream for every model family; requests are signed (SigV4) by the gateway's credentials. For its own clients also what only it serves:
/// InvokeModel, and reranking and generation with knowledge bases on the agents' runtime.
final class BedrockProvider: TranslatingAdapter {
    let descriptor = ProviderDescriptor(name: "bedrock", telemetryName: "aws.bedrock", keyVariable: "", reportsStreamUsage: false)
    let format: ModelFormat? = .bedrock
    let locatesEachRequest = true
    let streamFraming = StreamFraming.eventStream
    let translatedOperations: [ModelOperation] = [.chat, .completions, .embeddings, .imageGenerations, .imageEdits, .videoGenerations]

    /// Converse takes bytes, or objects of S3 (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageSource.html).
    func wantsInline(_ kind: ChatMedia.Kind, at url: ChatText) -> Bool { url.hasPrefix("https://") || url.hasPrefix("http://") }

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        let agentAction = settings.action.flatMap { BedrockAgentAction(rawValue: $0) }
        let address: String
        if let url = settings.upstreamURL {
            address = url
        } else {
            address = try Self.address(agentAction == nil ? "bedrock-runtime" : "bedrock-agent-runtime", settings)
        }
        let parts = try UpstreamURL(address)
        if let path = settings.upstreamPath { return ProviderLocation(endpoint: parts.endpoint, path: path.hasPrefix("/") ? path : "/\(path)", query: parts.query) }
        guard parts.path.isEmpty || parts.path == "/" else { return ProviderLocation(endpoint: parts.endpoint, path: parts.path, query: parts.query) }
        if let agentAction { return ProviderLocation(endpoint: parts.endpoint, path: agentAction.rawValue, query: parts.query) }
        let action = settings.action ?? (operation == .embeddings || operation.makesImages ? "invoke" : settings.isStream ? "converse-stream" : "converse")
        // One path segment: ids hold colons, ARNs slashes too.
        return ProviderLocation(endpoint: parts.endpoint, path: "/model/\(PercentEncoding.encoded(settings.model ?? ""))/\(action)", query: parts.query)
    }

    /// One of the vendor's hosts. All take the same credentials: what is signed is the service "bedrock".
    static func address(_ host: String, _ settings: ProviderSettings) throws(ProviderFailure) -> String {
        guard let region = settings.awsRegion else {
            throw ProviderFailure("aws_region_missing", status: 500, message: "the AWS region is unknown: set model.options.bedrock.aws_region, or AWS_REGION in the environment")
        }
        return "https://\(host).\(region).\(region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com")"
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer {
        guard request.isObject else { throw ProviderFailure("invalid_request_body", status: 400, message: "the request body must be a JSON object") }
        // Only Converse's own bodies have a known place for options; InvokeModel's are their models' makers'.
        let options = edits.options
        guard !options.isEmpty, request.document["messages"] != nil, request.document["anthropic_version"] == nil, var edit = JSONEdit(request.document.root) else {
            return request.bytes
        }
        let own = request.document["inferenceConfig"].flatMap { $0.kind == .object ? $0 : nil } ?? (try? JSONDocument(ByteBuffer(staticString: "{}")))?.root
        guard var inner = own.flatMap({ JSONEdit($0) }) else { return request.bytes }
        if let value = options.maximumTokens { inner.set("maxTokens", value) }
        if let value = options.temperature { inner.set("temperature", value) }
        if let value = options.topP { inner.set("topP", value) }
        edit.set("inferenceConfig", raw: inner.apply())
        return edit.apply()
    }

    func encode(_ request: ChatRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try BedrockRequestEncoder.encode(request, &encoding) }

    func decode(_ document: ByteBuffer) throws(ProviderFailure) -> ChatAnswer { try BedrockAnswerDecoder.decode(document) }

    func encode(_ request: EmbeddingRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try BedrockEmbeddings.encode(request, &encoding) }

    func decodeEmbeddings(_ document: ByteBuffer) throws(ProviderFailure) -> EmbeddingAnswer { try BedrockEmbeddings.decode(document) }

    func encode(_ request: ImageRequest, _ encoding: inout ChatEncoding) throws(ProviderFailure) -> ByteBuffer { try BedrockImages.encode(request, &encoding) }

    func decodeImages(_ document: ByteBuffer) throws(ProviderFailure) -> ImageAnswer { try BedrockImages.decode(document) }

    func makeStreamDecoder() -> any ChatStreamDecoder { BedrockStreamDecoder() }

    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { BedrockResponseReader() }

    func classify(status: Int) -> FailureClass { status == 424 ? .serverError : HTTPFailureClass.of(status) }

    func readError(status: Int, body: ByteBuffer) -> ProviderError { BedrockAnswerDecoder.error(status: status, body) }
}
