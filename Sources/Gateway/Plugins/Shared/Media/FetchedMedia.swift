import GatewayCore
import GatewayWire
import NIOCore

/// Contents of the media that a request names by URL, as providers want them: in base64, with their types.
struct FetchedMedia: Sendable {
    struct Content: Sendable {
        let mediaType: String
        let base64: ChatText
    }

    private var contents: [String: Content] = [:]

    mutating func add(_ url: String, mediaType: String, _ bytes: ByteBuffer) {
        self.contents[url] = Content(mediaType: mediaType, base64: ChatText(plain: Base64.encode(bytes)))
    }

    /// Puts contents in the place of the URLs that a provider wants them for.
    func apply(to request: inout ChatRequest, for adapter: any TranslatingAdapter) {
        for index in request.messages.indices { self.apply(to: &request.messages[index].parts, adapter) }
    }

    private func apply(to parts: inout [ChatPart], _ adapter: any TranslatingAdapter) {
        for index in parts.indices {
            switch parts[index].content {
            case .toolResult(var result):
                self.apply(to: &result.parts, adapter)
                parts[index].content = .toolResult(result)
            case .media(var media):
                guard case .url(let url) = media.source, adapter.wantsInline(media.kind, at: url), let content = self.contents[url.string] else { continue }
                media.source = .base64(content.base64)
                media.mediaType = ChatText(content.mediaType)
                parts[index].content = .media(media)
            default: continue
            }
        }
    }
}
