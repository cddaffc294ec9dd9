import GatewayCore
import GatewayWire

/// What the Gemini API and Vertex AI have beside prompts.
///
/// Files: https://ai.google.dev/api/files, batches: https://ai.google.dev/api/batch-api, videos: https://ai.google.dev/gemini-api/docs/video, sessions: https://ai.google.dev/api/live;
/// on Vertex AI https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs and
/// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation.
extension GeminiProvider: ResourceAdapter {
    private static let content = [
        ResourcePattern([.get], "download/{version}/files/{id}:download"),
        ResourcePattern([.get], "{version}/files/{id}:download"),
    ]
    private static let files = ResourceTable(
        [
            // Begins an upload, and takes its content where the answer says.
            ResourcePattern([.post, .put], "upload/{version}/files"),
            ResourcePattern([.get, .post], "{version}/files"),
            ResourcePattern([.get, .delete], "{version}/files/{id}"),
        ] + content)
    private static let batches = ResourceTable([
        ResourcePattern([.post], "{version}/models/{model}:batchGenerateContent"),
        ResourcePattern([.post], "{version}/models/{model}:asyncBatchEmbedContent"),
        ResourcePattern([.get], "{version}/batches"),
        ResourcePattern([.get, .delete], "{version}/batches/{id}"),
        ResourcePattern([.post], "{version}/batches/{id}:cancel"),
    ])
    private static let videos = ResourceTable(
        [
            ResourcePattern([.post], "{version}/models/{model}:predictLongRunning"),
            ResourcePattern([.get], "{version}/models/{model}/operations/{id}"),
        ] + content)
    private static let sessions = ResourceTable(
        ["v1", "v1alpha", "v1beta"].map { ResourcePattern([.get], "ws/google.ai.generativelanguage.\($0).GenerativeService.BidiGenerateContent") })

    // Project and location are the configuration's, whatever the client's path says.
    private static let vertexBatches = ResourceTable([
        ResourcePattern([.post], "batchPredictionJobs", models: ["model"]),
        ResourcePattern([.get], "batchPredictionJobs"),
        ResourcePattern([.get, .delete], "batchPredictionJobs/{id}"),
        ResourcePattern([.post], "batchPredictionJobs/{id}:cancel"),
    ])
    private static let vertexVideos = ResourceTable(
        ["predictLongRunning", "fetchPredictOperation"].map { ResourcePattern([.post], "models/{model}:\($0)", at: "/publishers/google/models/{model}:\($0)") })
    private static let vertexSessions = ResourceTable(
        ["v1", "v1beta1"].map { ResourcePattern([.get], "ws/google.cloud.aiplatform.\($0).LlmBidiService/BidiGenerateContent") })

    /// https://cloud.google.com/docs/authentication/api-keys-use and https://cloud.google.com/apis/docs/system-parameters
    var credentialParameters: [String] { ["key", "access_token", "$userProject", "quotaUser"] }

    private var isVertex: Bool { self.descriptor.variant.utf8CodeUnitCount > 0 }

    func resources(of operation: ModelOperation) -> ResourceTable? {
        switch operation {
        case .files: self.isVertex ? nil : Self.files
        case .batches: self.isVertex ? Self.vertexBatches : Self.batches
        case .videoGenerations: self.isVertex ? Self.vertexVideos : Self.videos
        case .realtime: self.isVertex ? Self.vertexSessions : Self.sessions
        default: nil
        }
    }

    func locate(_ call: ResourceCall, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        guard self.isVertex else { return try call.location(at: settings.upstreamURL ?? Self.address) }
        var settings = settings
        if let url = settings.upstreamURL { settings.geminiEndpoint = try UpstreamURL(url).endpoint.origin }
        let address = try VertexAddress.required(settings)
        // Sessions name the project in their first message.
        return try call.location(at: settings.upstreamURL ?? address.endpoint.origin, below: call.path.hasPrefix("/ws/") ? "" : address.path)
    }

    func makeReader(_ operation: ModelOperation, hidesUsage: Bool) -> any ModelResponseReader {
        if operation == .realtime { return GeminiLiveReader() }
        return operation.isPrompt ? self.makeReader(hidesUsage: hidesUsage) : ResourceReader()
    }
}

/// Ranking of documents by the same project, on a host of its own (https://cloud.google.com/generative-ai-app-builder/docs/reference/rest/v1/projects.locations.rankingConfigs/rank).
enum VertexRanking {
    /// - Parameter action: what a client's path names: `rankingConfigs/NAME:rank`.
    static func location(_ action: String, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        guard let project = settings.geminiProject, let configured = settings.geminiLocation else {
            throw ProviderFailure("unknown_method", status: 404, message: "documents are ranked by Vertex AI only: model.options.gemini needs project_id and location_id")
        }
        // It has no regions but these.
        let location = ["us", "eu"].contains(configured) ? configured : "global"
        let parts = try UpstreamURL(settings.upstreamURL ?? "https://\(location == "global" ? "" : "\(location)-")discoveryengine.googleapis.com")
        let path = parts.path.hasSuffix("/") ? String(parts.path.dropLast()) : parts.path
        return ProviderLocation(endpoint: parts.endpoint, path: "\(path)/v1/projects/\(project)/locations/\(location)/\(action)", query: parts.query)
    }
}
