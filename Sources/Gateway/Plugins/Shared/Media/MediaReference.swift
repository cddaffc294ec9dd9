import GatewayCore

/// Media that a client names by URL, where its provider wants the content.
struct MediaReference: Sendable {
    let url: String
    let kind: ChatMedia.Kind
    /// The member of the client's request that names it.
    let field: String

    /// All of a request, each URL once.
    static func all(in request: ChatRequest, for adapter: any TranslatingAdapter) -> [MediaReference] {
        var found: [MediaReference] = []
        func look(_ parts: [ChatPart]) {
            for part in parts {
                if case .toolResult(let result) = part.content { look(result.parts) }
                guard case .media(let media) = part.content, case .url(let url) = media.source, adapter.wantsInline(media.kind, at: url) else { continue }
                let text = url.string
                if !found.contains(where: { $0.url == text }) { found.append(MediaReference(url: text, kind: media.kind, field: self.field(media.kind, request.origin))) }
            }
        }
        for message in request.messages { look(message.parts) }
        return found
    }

    private static func field(_ kind: ChatMedia.Kind, _ format: ModelFormat) -> String {
        switch format {
        case .gemini: return "contents[].parts[].fileData.fileUri"
        case .anthropic: return "messages[].content[].source.url"
        default:
            switch kind {
            case .image: return "messages[].content[].image_url"
            case .audio: return "messages[].content[].input_audio"
            case .document: return "messages[].content[].file"
            case .video: return "messages[].content[].video_url"
            }
        }
    }
}
