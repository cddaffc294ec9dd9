public import NIOCore
import GatewayWire

/// The format of an image file, by its first bytes: what a client calls it is no proof.
public enum ImageType: Sendable, Equatable {
    case png, jpeg, webp, gif

    /// https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
    public init?(_ bytes: ByteBuffer) {
        let head = Array(bytes.readableBytesView.prefix(12))
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if head.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if head.count == 12, head.starts(with: "RIFF".utf8), head[8...].elementsEqual("WEBP".utf8) {
            self = .webp
        } else if head.starts(with: "GIF87a".utf8) || head.starts(with: "GIF89a".utf8) {
            self = .gif
        } else {
            return nil
        }
    }

    /// Of an image in base64, whose end is not looked at.
    public init?(base64: ChatText) {
        let text = base64.plain
        guard let head = text.getSlice(at: text.readerIndex, length: min(16, text.readableBytes)), let bytes = Base64.decode(head) else { return nil }
        self.init(bytes)
    }

    public var mediaType: StaticString {
        switch self {
        case .png: "image/png"
        case .jpeg: "image/jpeg"
        case .webp: "image/webp"
        case .gif: "image/gif"
        }
    }
}
