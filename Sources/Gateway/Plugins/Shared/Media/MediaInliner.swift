import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Fetches the media a request names by URL for targets whose providers want the content, before the request is planned: all attempts share what was fetched.
struct MediaInliner: Sendable {
    private let fetcher: MediaFetcher
    private let targets: [ModelTarget]
    private var settings: MediaSettings { self.fetcher.settings }

    /// Nil where no target is served by translation, or nothing is to be fetched: then requests are not looked into.
    init?(_ targets: [ModelTarget], _ services: PluginServices) throws(ConfigurationError) {
        let settings = try MediaSettings.decode(services.ownSettings)
        guard settings.isFetching, targets.contains(where: { $0.mayWantMedia }) else { return nil }
        self.targets = targets
        self.fetcher = MediaFetcher(http: services.http, settings: settings)
    }

    /// - Parameter allowed: targets that the request may go to.
    /// - Returns: the contents; nil: the request names no media that one of them wants.
    /// - Throws: 400 with the field whose URL cannot be fetched.
    func fetch<Plugin: GatewayPlugin>(
        _ body: ModelRequestBody, _ request: borrowing GatewayRequest, allowed: (Int) -> Bool = { _ in true }, _ context: inout StageContext<Plugin>
    ) async throws(RefusedRequest) -> FetchedMedia? {
        guard MediaInliner.mayNameURLs(body.bytes) else { return nil }
        var references: [MediaReference] = []
        for (index, target) in self.targets.enumerated() where allowed(index) {
            for reference in target.media(body, request) where !references.contains(where: { $0.url == reference.url }) { references.append(reference) }
        }
        guard !references.isEmpty else { return nil }
        guard references.count <= self.settings.maximumCount else {
            throw RefusedRequest(
                400, "media_too_many", "\"\(references[0].field)\" names \(references.count) URLs: at most \(self.settings.maximumCount) are fetched for a request",
                parameter: references[0].field)
        }
        var media = FetchedMedia()
        var left = self.settings.maximumBytes
        let deadline = MonotonicClock.now() &+ UInt64(self.settings.timeoutMilliseconds) * 1_000_000
        for reference in references {
            let answer: MediaFetcher.Answer
            do throws(PluginFailure) {
                answer = try await context.call(self.fetcher, MediaFetcher.Query(reference: reference, maximumBytes: left, deadline: deadline))
            } catch { throw RefusedRequest(400, error.code, "the URL in \"\(reference.field)\" \(error.message)", parameter: reference.field) }
            left = max(0, left - answer.bytes.readableBytes)
            media.add(reference.url, mediaType: answer.mediaType, answer.bytes)
        }
        return media
    }

    /// Whether a member is there that holds a URL in one of the clients' formats: most requests have none, and are not decoded for it.
    static func mayNameURLs(_ body: ByteBuffer) -> Bool {
        body.withUnsafeReadableBytes { bytes in
            var index = 0
            while let quote = bytes[index...].firstIndex(of: UInt8(ascii: "\"")) {
                for name: StaticString in ["\"url\"", "\"image_url\"", "\"fileUri\"", "\"file_uri\"", "\"file_data\""] {
                    let end = quote + name.utf8CodeUnitCount
                    if end <= bytes.count, UnsafeRawBufferPointer(rebasing: bytes[quote..<end]).isText(name) { return true }
                }
                index = quote + 1
            }
            return false
        }
    }
}

extension ModelTarget {
    /// Whether its provider is one that could want the content of a URL.
    var mayWantMedia: Bool {
        guard let translator, self.operation == .chat else { return false }
        return translator.wantsInline(.image, at: ChatText("https://example.com/"))
    }

    /// What its provider wants the content of. What cannot be decoded names nothing: the plan refuses it with its reason.
    func media(_ body: ModelRequestBody, _ request: borrowing GatewayRequest) -> [MediaReference] {
        guard let translator, self.mayWantMedia else { return [] }
        let client = ClientRequest(body: body, path: ByteBuffer(request.head.target.path), query: request.head.target.query.map { ByteBuffer($0) })
        guard let decoded = try? self.format.decode(client) else { return [] }
        return MediaReference.all(in: decoded, for: translator)
    }
}
