public import NIOCore

/// Puts together the text messages of one side (RFC 6455 section 5.4), for who only reads them: a ``WebSocketScanner`` has let the bytes pass, so that nothing about
/// them is checked again. Messages in an extension's coding must not come here.
public struct WebSocketTextReader: Sendable {
    private let maximumMessageBytes: Int
    private let readsBinary: Bool
    /// Bytes of an incomplete head.
    private var head: [UInt8] = []
    private var payloadLeft = 0
    private var isControl = false
    private var isFinal = false
    /// Of the frame under way, as it stands for its next byte; nil: a server's frame, which has none.
    private var mask: (UInt8, UInt8, UInt8, UInt8)?
    /// Whether the message under way is text that is kept.
    private var isKept = false
    private var message = ByteBuffer()

    /// - Parameters:
    ///   - maximumMessageBytes: payload of a message that is put together; a longer one is left out.
    ///   - readsBinary: binary messages are text too, as some servers send it.
    public init(maximumMessageBytes: Int, readsBinary: Bool = false) {
        self.maximumMessageBytes = maximumMessageBytes
        self.readsBinary = readsBinary
        self.head.reserveCapacity(14)
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
        let isMasked = self.head[1] & 0x80 != 0
        guard self.head.count == 2 + extended + (isMasked ? 4 : 0) else { return false }
        self.payloadLeft = extended == 0 ? short : self.head[2..<(2 + extended)].reduce(0) { $0 << 8 | Int($1) }
        let start = 2 + extended
        self.mask = isMasked ? (self.head[start], self.head[start + 1], self.head[start + 2], self.head[start + 3]) : nil
        let opcode = self.head[0] & 0x0f
        self.isFinal = self.head[0] & 0x80 != 0
        self.isControl = opcode & 0x08 != 0
        if !self.isControl, opcode != 0 { self.isKept = opcode == 1 || (opcode == 2 && self.readsBinary) }
        return true
    }

    private mutating func keep(_ piece: ByteBuffer) {
        guard !self.isControl, self.isKept else { return }
        guard piece.readableBytes <= self.maximumMessageBytes - self.message.readableBytes else {
            self.isKept = false
            self.message = ByteBuffer()
            return
        }
        let piece = self.unmasked(piece)
        if self.message.readableBytes == 0 { self.message = piece } else { self.message.writeImmutableBuffer(piece) }
    }

    private mutating func unmasked(_ piece: ByteBuffer) -> ByteBuffer {
        guard var mask else { return piece }
        var plain = ByteBufferAllocator().buffer(capacity: piece.readableBytes)
        for byte in piece.readableBytesView {
            plain.writeInteger(byte ^ mask.0)
            mask = (mask.1, mask.2, mask.3, mask.0)
        }
        self.mask = mask
        return plain
    }

    private mutating func endFrame(_ body: (ByteBuffer) -> Void) {
        guard !self.isControl, self.isFinal else { return }
        if self.isKept { body(self.message) }
        self.isKept = false
        self.message = ByteBuffer()
    }
}
