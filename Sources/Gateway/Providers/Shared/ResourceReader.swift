import GatewayCore
import GatewayWire
import NIOCore

/// Reads what a vendor says of one of its resources: a batch, a file, a job, an operation. What a batch used stands in its results, which may be fetched any number of times, so
/// that nothing is counted here.
final class ResourceReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition { .pass }

    func document(_ bytes: ByteBuffer) {
        guard let root = try? JSONDocument(bytes).root, root.kind == .object else { return }
        self.facts.isComplete = true
        self.facts.id = (root["id"] ?? root["name"] ?? root["invocationArn"] ?? root["jobArn"])?.text.flatMap { (1...512).contains($0.readableBytes) ? $0 : nil }
        let status = root["processing_status"] ?? root["status"] ?? root["state"] ?? root["metadata"]?["state"]
        if let status = status?.text, (1...64).contains(status.readableBytes) { self.facts.finishReasons = status }
    }
}

extension ResourceCall {
    /// Where it is at an address of the vendor's, or of a proxy in front of it whose path stands before the vendor's.
    func location(at address: String, below prefix: String = "") throws(ProviderFailure) -> ProviderLocation {
        let parts = try UpstreamURL(address)
        let path = parts.path.hasSuffix("/") ? String(parts.path.dropLast()) : parts.path
        return ProviderLocation(endpoint: parts.endpoint, path: path + prefix + self.path, query: parts.query)
    }
}
