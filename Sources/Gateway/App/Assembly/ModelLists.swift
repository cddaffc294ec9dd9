import GatewayCore
import GatewayProviders
import GatewayWire
import NIOCore
import SideClient

/// Asks providers for their models over the side client.
struct ModelLists: ModelListing {
    private let client: SideClient?

    init(client: SideClient?) { self.client = client }

    func models(url: String, authorization: String) async throws(PluginFailure) -> [String] {
        guard let client else { return [] }
        let request = SideRequest(method: "GET", url: url, headers: [(name: "Authorization", value: authorization)], totalTimeoutMilliseconds: 10_000)
        // A provider that does not answer has no models to offer; the failed call is in the trace.
        guard case .success(let response) = await client.send(request), response.status == 200, let document = try? JSONDocument(ByteBuffer(bytes: response.body)),
            let data = document["data"]
        else { return [] }
        return data.elements.compactMap { $0["id"]?.string }
    }

    func adapter(_ name: String) -> (any ProviderAdapter)? { ProviderCatalog.directory.adapter(name) }
}
