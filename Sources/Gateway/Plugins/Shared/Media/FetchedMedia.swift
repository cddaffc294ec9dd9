import GatewayCore
import NIOCore

/// Contents of the media that a request names by URL, as providers want them: in base64, with their types.
struct FetchedMedia: Sendable {
    struct Content: Sendable {
        let mediaType: String
        let base64: ChatText
    }

    private var contents: [String: Content] = [:]

    mutating func add(_ url: String, mediaType: String, _ bytes: ByteBuffer) {
        self.contents[url] = Content(mediaType: mediaType, base64: ChatText(plain: FetchedMedia.base64(bytes)))
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

    /// RFC 4648 section 4, with padding.
    static func base64(_ bytes: ByteBuffer) -> ByteBuffer {
        let count = (bytes.readableBytes + 2) / 3 * 4
        var out = ByteBufferAllocator().buffer(capacity: count)
        let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let letters = UnsafeBufferPointer(start: alphabet.utf8Start, count: 64)
        bytes.withUnsafeReadableBytes { input in
            _ = out.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { output in
                var (from, to) = (0, 0)
                while from < input.count {
                    let left = input.count - from
                    let bits = UInt32(input[from]) << 16 | (left > 1 ? UInt32(input[from + 1]) << 8 : 0) | (left > 2 ? UInt32(input[from + 2]) : 0)
                    output[to] = letters[Int(bits >> 18 & 63)]
                    output[to + 1] = letters[Int(bits >> 12 & 63)]
                    output[to + 2] = left > 1 ? letters[Int(bits >> 6 & 63)] : UInt8(ascii: "=")
                    output[to + 3] = left > 2 ? letters[Int(bits & 63)] : UInt8(ascii: "=")
                    from += 3
                    to += 4
                }
                return to
            }
        }
        return out
    }
}
