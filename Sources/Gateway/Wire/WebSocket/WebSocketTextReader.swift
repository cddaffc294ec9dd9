public import NIOCore

/// Puts together the text messages that a server sends (RFC 6455 section 5.4), for who only reads them: a ``WebSocketScanner`` has let the bytes pass, so that nothing about
/// them is checked again. Messages in an extension's coding must not come here.
public struct WebSocketTextReader: Sendable {
    private let maximumMessageBytes: Int
    /// Bytes of an incomplete head.
    private var head: [UInt8] = []
    private var payloadLeft = 0
    private var isControl = false
    private var isFinal = false
    /// Whether the message under way is text that is kept.
    private var isKept = false
    private var message = ByteBuffer()

    /// - Parameter maximumMessageBytes: payload of a message that is put together; a longer one is left out.
    public init(maximumMessageBytes: Int) {
        self.maximumMessageBytes = maximumMessageBytes
        self.head.reserveCapacity(10)
    }

    /// Reads on.
    ///
    /// - Parameter body: gets every message that is complete now; one that came in one piece is not copied.
    public mutating func read(_ bytes: ByteBuffer, _ body: (ByteBuffer) -> Void) {
        var bytes = bytes
        while bytes.readableBytes > 0 {
            if self.payloadLeft > 0 {
                let count = min(self.payloadLeft, bytes.readableBytes)
                guard let piece = bytes.readSlice(length: count) else { return }
                self.keep(piece)
                self.payloadLeft -= count
                if self.payloadLeft == 0 { self.endFrame(body) }
                continue
            }
            guard let byte = bytes.readInteger(as: UInt8.self) else { return }
            self.head.append(byte)
            guard self.beginFrame() else { continue }
            self.head.removeAll(keepingCapacity: true)
            if self.payloadLeft == 0 { self.endFrame(body) }
        }
    }

    /// Whether the head is complete, and then what it says.
    private mutating func beginFrame() -> Bool {
        guard self.head.count >= 2 else { return false }
        let short = Int(self.head[1] & 0x7f)
        let extended = short == 126 ? 2 : short == 127 ? 8 : 0
        guard self.head.count == 2 + extended else { return false }
        self.payloadLeft = extended == 0 ? short : self.head[2...].reduce(0) { $0 << 8 | Int($1) }
        let opcode = self.head[0] & 0x0f
        self.isFinal = self.head[0] & 0x80 != 0
        self.isControl = opcode & 0x08 != 0
        if !self.isControl, opcode != 0 { self.isKept = opcode == 1 }
        return true
    }

    private mutating func keep(_ piece: ByteBuffer) {
        guard !self.isControl, self.isKept else { return }
        guard piece.readableBytes <= self.maximumMessageBytes - self.message.readableBytes else {
            self.isKept = false
            self.message = ByteBuffer()
            return
        }
        if self.message.readableBytes == 0 { self.message = piece } else { self.message.writeImmutableBuffer(piece) }
    }

    private mutating func endFrame(_ body: (ByteBuffer) -> Void) {
        guard !self.isControl, self.isFinal else { return }
        if self.isKept { body(self.message) }
        self.isKept = false
        self.message = ByteBuffer()
    }
}
