import GatewayWire
import NIOCore

extension ModelRelay {
    /// Fields by which Google hands out where the content of a file is to be sent (https://cloud.google.com/storage/docs/resumable-uploads).
    private static let uploadFields = ["x-goog-upload-url", "x-goog-upload-control-url"]

    /// An answer whose addresses lead back to the gateway.
    ///
    /// - Throws: where an upload is to go past the gateway.
    @inline(never)
    func relinked(
        _ head: HTTPResponseHead, _ answer: any UpstreamExchange, _ links: ProviderLinks
    ) async throws(UpstreamFailure) -> (HTTPResponseHead, any UpstreamExchange) {
        var fields = head.fields
        for name in ModelRelay.uploadFields {
            guard let address = fields.firstString(name: name) else { continue }
            guard let own = links.rewritten(address), fields.replace(name: name, own) else { throw .malformed(code: "upload_url_foreign") }
        }
        if let address = fields.firstString(.location), !fields.replace(.location, links.rewritten(address) ?? links.withoutSecrets(address)) {
            throw .malformed(code: "location_invalid")
        }
        guard self.isReadable, !links.members.isEmpty, fields.hasValue(.contentType, prefix: "application/json") else { return (ModelRelay.head(head, fields, head.framing), answer) }
        let body = try await self.collect(answer, limit: ModelRelay.documentLimit)
        let document = (try? JSONDocument(body)).flatMap { links.rewritten($0.root) } ?? body
        fields.remove(.contentLength)
        fields.remove(.transferEncoding)
        return (ModelRelay.head(head, fields, .length(document.readableBytes)), WholeExchange(answer, document))
    }

    private static func head(_ head: HTTPResponseHead, _ fields: HTTPFields, _ framing: HTTPResponseFraming) -> HTTPResponseHead {
        HTTPResponseHead(status: head.status, reason: head.reason, version: head.version, fields: fields, framing: framing, keepAlive: head.keepAlive)
    }
}
