import GatewayCore
import GatewayWire

/// Batches of messages (https://docs.anthropic.com/en/api/creating-message-batches) and files (https://docs.anthropic.com/en/api/files-create).
extension AnthropicProvider: ResourceAdapter {
    private static let batches = ResourceTable([
        ResourcePattern([.post], "v1/messages/batches", models: ["requests", "*", "params", "model"]),
        ResourcePattern([.get], "v1/messages/batches"),
        ResourcePattern([.get, .delete], "v1/messages/batches/{id}"),
        ResourcePattern([.post], "v1/messages/batches/{id}/cancel"),
        ResourcePattern([.get], "v1/messages/batches/{id}/results"),
    ])
    private static let files = ResourceTable([
        ResourcePattern([.get, .post], "v1/files"),
        ResourcePattern([.get, .delete], "v1/files/{id}"),
        ResourcePattern([.get], "v1/files/{id}/content"),
    ])

    /// The client's library asks for results where the answer says.
    var linkMembers: [String] { ["results_url"] }

    func resources(of operation: ModelOperation) -> ResourceTable? {
        switch operation {
        case .batches: Self.batches
        case .files: Self.files
        default: nil
        }
    }

    func locate(_ call: ResourceCall, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        try call.location(at: settings.upstreamURL ?? Self.address)
    }

    func makeReader(_ operation: ModelOperation, hidesUsage: Bool) -> any ModelResponseReader {
        operation.isPrompt ? self.makeReader(hidesUsage: hidesUsage) : ResourceReader()
    }
}
