import GatewayCore
import GatewayWire

/// Asynchronous invocations (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_StartAsyncInvoke.html), by which videos are made, and jobs of many invocations
/// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateModelInvocationJob.html), which the control plane keeps. Both put their results into S3.
extension BedrockProvider: ResourceAdapter {
    private static let invocations = [
        ResourcePattern([.post], "async-invoke", models: ["modelId"]),
        ResourcePattern([.get], "async-invoke"),
        ResourcePattern([.get], "async-invoke/{arn}"),
    ]
    private static let videos = ResourceTable(invocations)
    private static let batches = ResourceTable(
        [
            ResourcePattern([.post], "model-invocation-job", models: ["modelId"], host: .control),
            ResourcePattern([.get], "model-invocation-jobs", host: .control),
            ResourcePattern([.get], "model-invocation-job/{arn}", host: .control),
            ResourcePattern([.post], "model-invocation-job/{arn}/stop", host: .control),
        ] + invocations)

    /// Of a signature in the query (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).
    var credentialParameters: [String] {
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders"]
    }

    func resources(of operation: ModelOperation) -> ResourceTable? {
        switch operation {
        case .batches: Self.batches
        case .videoGenerations: Self.videos
        default: nil
        }
    }

    func locate(_ call: ResourceCall, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        if let url = settings.upstreamURL { return try call.location(at: url) }
        return try call.location(at: Self.address(call.pattern.host == .control ? "bedrock" : "bedrock-runtime", settings))
    }

    func makeReader(_ operation: ModelOperation, hidesUsage: Bool) -> any ModelResponseReader {
        operation.isPrompt || operation.makesImages ? self.makeReader(hidesUsage: hidesUsage) : ResourceReader()
    }
}
