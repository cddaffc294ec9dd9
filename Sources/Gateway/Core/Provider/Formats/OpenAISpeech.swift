import GatewayWire
import NIOCore

/// A spoken answer as OpenAI's format has it (https://platform.openai.com/docs/guides/audio): base64 of one sound, with its transcript beside it.
enum OpenAISpeech {
    /// The name under which a part of speech has its transcript, where the provider gives one.
    static let transcript = "transcript"

    /// Writes `message.audio`.
    static func write(_ parts: [ChatPart], choice: Int, _ context: AnswerContext, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        writer.string(self.id(choice, context))
        writer.key("data")
        writer.string(verbatim: self.data(parts, wraps: context.wrapsSpeech))
        // The gateway keeps nothing that a later message could refer to.
        writer.member("expires_at", context.createdAt)
        writer.key("transcript")
        writer.beginString()
        for part in parts { if let text = self.transcript(of: part) { writer.piece(text) } }
        writer.endString()
        writer.endObject()
    }

    static func id(_ choice: Int, _ context: AnswerContext) -> String { "audio_\(context.requestID)_\(choice)" }

    static func isSpeech(_ part: ChatPart) -> Bool { if case .media(let media) = part.content { media.kind == .audio } else { false } }

    static func transcript(of part: ChatPart) -> ChatText? { ChatText(part.extras.first { $0.key == self.transcript }?.value) }

    /// The sound of all parts as base64: a WAV file where samples without a container are not what the client asked for.
    private static func data(_ parts: [ChatPart], wraps: Bool) -> ByteBuffer {
        var sound = ByteBuffer()
        var type: ChatText?
        var only: ByteBuffer?
        for part in parts {
            guard case .media(let media) = part.content, media.kind == .audio, case .base64(let data) = media.source else { continue }
            only = sound.readableBytes == 0 && only == nil ? data.plain : nil
            type = type ?? media.mediaType
            if let bytes = Base64.decode(data.plain) { sound.writeImmutableBuffer(bytes) }
        }
        let rate = wraps ? self.sampleRate(type) : nil
        // Nothing to join or to wrap, or nothing that can be.
        if rate == nil || sound.readableBytes == 0, let only { return only }
        guard let rate else { return Base64.encode(sound) }
        var file = self.waveHead(byteCount: sound.readableBytes, rate: rate)
        file.writeImmutableBuffer(sound)
        return Base64.encode(file)
    }

    /// Samples a second of sound without a container, as Gemini gives it: `audio/L16;codec=pcm;rate=24000`; nil: it is something else.
    private static func sampleRate(_ type: ChatText?) -> UInt32? {
        guard let type = type?.string.lowercased(), type.hasPrefix("audio/l16") || type.hasPrefix("audio/pcm") else { return nil }
        for parameter in type.split(separator: ";").dropFirst() {
            let pair = parameter.split(separator: "=")
            if pair.count == 2, pair[0].filter({ $0 != " " }) == "rate", let rate = UInt32(pair[1]) { return rate }
        }
        return 24_000
    }

    /// The head of a WAV file of 16-bit samples in one channel (RIFF, https://learn.microsoft.com/windows/win32/xaudio2/resource-interchange-file-format--riff-).
    private static func waveHead(byteCount: Int, rate: UInt32) -> ByteBuffer {
        let size = UInt32(clamping: byteCount)
        var head = ByteBufferAllocator().buffer(capacity: 44 + byteCount)
        head.writeStaticString("RIFF")
        head.writeInteger(size > .max - 36 ? .max : size + 36, endianness: .little)
        head.writeStaticString("WAVEfmt ")
        head.writeInteger(16 as UInt32, endianness: .little)
        // PCM, one channel.
        head.writeInteger(1 as UInt16, endianness: .little)
        head.writeInteger(1 as UInt16, endianness: .little)
        head.writeInteger(rate, endianness: .little)
        head.writeInteger(rate > .max / 2 ? .max : rate * 2, endianness: .little)
        head.writeInteger(2 as UInt16, endianness: .little)
        head.writeInteger(16 as UInt16, endianness: .little)
        head.writeStaticString("data")
        head.writeInteger(size, endianness: .little)
        return head
    }
}

/// The pieces of a streamed sound, cut anew: what clients have of base64 they either decode piece by piece or join first. So no piece may end in padding or within a sample.
struct SpeechPieces {
    /// Whole groups of base64 (3 bytes) and whole samples (2 bytes).
    private static let unit = 6
    private var rest = ByteBuffer()

    /// Takes the next piece.
    ///
    /// - Returns: base64 of what can go to the client; nil: nothing yet.
    mutating func add(_ data: ChatText) -> ByteBuffer? {
        let text = data.plain
        guard let bytes = Base64.decode(text) else { return text }
        self.rest.writeImmutableBuffer(bytes)
        let count = self.rest.readableBytes / SpeechPieces.unit * SpeechPieces.unit
        guard count > 0, let ready = self.rest.readSlice(length: count) else { return nil }
        self.rest = ByteBuffer(self.rest.readableBytesView)
        return Base64.encode(ready)
    }

    /// The last piece; nil: nothing is left.
    mutating func end() -> ByteBuffer? {
        guard self.rest.readableBytes > 0 else { return nil }
        defer { self.rest = ByteBuffer() }
        return Base64.encode(self.rest)
    }
}
