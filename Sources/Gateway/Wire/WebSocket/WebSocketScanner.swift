public import NIOCore

/// Follows the frames of one direction of a WebSocket connection (RFC 6455 section 5) without changing or keeping them: what breaks the protocol or a limit is found before
/// it is passed on.
public struct WebSocketScanner: Sendable {
    /// Who sends: a client's frames are masked, a server's are not (section 5.1).
    public enum Sender: Sendable { case client, server }

    /// What has been seen since the last look.
    public struct Counts: Sendable, Equatable {
        public var textMessages = 0
        public var binaryMessages = 0
        public var pings = 0
        public var pongs = 0
        /// Payload of data frames.
        public var payloadBytes = 0

        public init() {}
        public var messages: Int { self.textMessages + self.binaryMessages }
    }

    /// Why a frame is not passed on.
    public enum Violation: Error, Sendable, Equatable {
        /// A reserved bit without an extension that defines it, or a reserved opcode (section 5.2).
        case reserved
        /// A client's frame without a mask, or a server's with one.
        case masking
        /// A control frame that is fragmented or longer than 125 bytes (section 5.5).
        case controlFrame
        /// A continuation without a beginning, or a beginning inside another message (section 5.4).
        case fragmentation
        /// A length that is not written in its shortest form, or has its highest bit set (section 5.2).
        case length
        /// A close frame with one byte, or with a code that must not be sent (section 7.4).
        case closeCode
        /// More frames after a close frame (section 5.5.1).
        case afterClose
        case messageTooLarge

        /// Bounded value of `error.type`.
        public var code: StaticString {
            switch self {
            case .reserved: "websocket_reserved_bits"
            case .masking: "websocket_masking"
            case .controlFrame: "websocket_control_frame"
            case .fragmentation: "websocket_fragmentation"
            case .length: "websocket_length"
            case .closeCode: "websocket_close_code"
            case .afterClose: "websocket_after_close"
            case .messageTooLarge: "websocket_message_too_large"
            }
        }

        /// What a close frame says of it (section 7.4.1).
        public var closeCode: UInt16 { self == .messageTooLarge ? 1009 : 1002 }
    }

    private let sender: Sender
    private let maximumMessageBytes: Int
    /// Bits 0x40, 0x20, 0x10 that an extension defines.
    private let allowedReservedBits: UInt8
    public private(set) var counts = Counts()
    /// The code of the close frame; 1005 when it had none (section 7.4.1); nil: none was sent.
    public private(set) var closeCode: UInt16?

    /// Bytes of an incomplete head.
    private var head: [UInt8] = []
    private var payloadLeft = 0
    private var opcode: UInt8 = 0
    private var isFinal = false
    private var mask: (UInt8, UInt8) = (0, 0)
    /// Opcode of the message under way: 1 text, 2 binary, 0 none.
    private var messageOpcode: UInt8 = 0
    private var messageBytes = 0
    /// Where the close frame's code is: bytes of it already read.
    private var closeBytes: [UInt8] = []

    /// - Parameters:
    ///   - maximumMessageBytes: payload of a whole message, however it is fragmented (and compressed); 0: no limit.
    ///   - isCompressed: whether both sides agreed on permessage-deflate (RFC 7692), which uses the first reserved bit.
    public init(sender: Sender, maximumMessageBytes: Int, isCompressed: Bool = false) {
        self.sender = sender
        self.maximumMessageBytes = maximumMessageBytes
        self.allowedReservedBits = isCompressed ? 0x40 : 0
        self.head.reserveCapacity(14)
    }

    /// Whether the bytes so far end with a whole frame, so that another may follow.
    public var isAtBoundary: Bool { self.payloadLeft == 0 && self.head.isEmpty }

    /// Whether a close frame is complete.
    public var isClosed: Bool { self.closeCode != nil && self.isAtBoundary }

    /// Reads on.
    ///
    /// - Returns: how many of the bytes may be passed on, and why no more; a violation is final. Without one, what is left is the beginning of a frame, which the caller keeps
    ///   and passes on before what a later call lets through.
    public mutating func scan(_ bytes: UnsafeRawBufferPointer) -> (passed: Int, violation: Violation?) {
        var position = 0
        var passed = 0
        while position < bytes.count {
            if self.payloadLeft > 0 {
                let count = min(self.payloadLeft, bytes.count - position)
                if self.opcode == 8, self.closeBytes.count < 2 { self.readClose(UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])) }
                self.payloadLeft -= count
                position += count
                if self.payloadLeft == 0, let violation = self.endFrame() { return (passed, violation) }
                // A close frame goes on when its code is known to be one.
                if self.opcode != 8 || self.payloadLeft == 0 { passed = position }
                continue
            }
            self.head.append(bytes[position])
            position += 1
            guard let length = self.headLength, self.head.count >= length else { continue }
            if let violation = self.beginFrame() { return (passed, violation) }
            self.head.removeAll(keepingCapacity: true)
            if self.payloadLeft == 0, let violation = self.endFrame() { return (passed, violation) }
            if self.opcode != 8 || self.payloadLeft == 0 { passed = position }
        }
        return (passed, nil)
    }

    /// Bytes a frame's head has, once its first two are there.
    private var headLength: Int? {
        guard self.head.count >= 2 else { return nil }
        let extended =
            switch self.head[1] & 0x7f {
            case 126: 2
            case 127: 8
            default: 0
            }
        return 2 + extended + (self.head[1] & 0x80 != 0 ? 4 : 0)
    }

    private mutating func beginFrame() -> Violation? {
        if self.closeCode != nil { return .afterClose }
        let first = self.head[0]
        let isMasked = self.head[1] & 0x80 != 0
        self.isFinal = first & 0x80 != 0
        self.opcode = first & 0x0f
        let isControl = self.opcode & 0x08 != 0
        let reserved = first & 0x70
        // Only the first frame of a data message says that it is compressed (RFC 7692 section 6.1).
        guard reserved & ~self.allowedReservedBits == 0, reserved == 0 || self.opcode == 1 || self.opcode == 2 else { return .reserved }
        guard [0, 1, 2, 8, 9, 10].contains(self.opcode) else { return .reserved }
        guard isMasked == (self.sender == .client) else { return .masking }
        let short = Int(self.head[1] & 0x7f)
        var length = short
        if short >= 126 {
            let count = short == 126 ? 2 : 8
            guard count == 2 || self.head[2] & 0x80 == 0 else { return .length }
            length = self.head[2..<(2 + count)].reduce(0) { $0 << 8 | Int($1) }
            guard length >= (count == 2 ? 126 : 65_536) else { return .length }
        }
        if isControl {
            guard self.isFinal, length <= 125 else { return .controlFrame }
        } else {
            guard (self.opcode == 0) == (self.messageOpcode != 0) else { return .fragmentation }
            if self.opcode != 0 { self.messageOpcode = self.opcode }
            guard self.maximumMessageBytes == 0 || length <= self.maximumMessageBytes - self.messageBytes else { return .messageTooLarge }
            // A length is a claim: without a limit, a few heads claim more than can be counted.
            let (total, isBeyondCounting) = self.counts.payloadBytes.addingReportingOverflow(length)
            guard !isBeyondCounting else { return .messageTooLarge }
            self.counts.payloadBytes = total
            // Part of the total, which fits.
            self.messageBytes += length
        }
        if isMasked { self.mask = (self.head[self.head.count - 4], self.head[self.head.count - 3]) } else { self.mask = (0, 0) }
        if self.opcode == 8 {
            self.closeBytes.removeAll()
            if length == 1 { return .closeCode }
        }
        self.payloadLeft = length
        return nil
    }

    private mutating func readClose(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes.prefix(2 - self.closeBytes.count) { self.closeBytes.append(byte ^ (self.closeBytes.isEmpty ? self.mask.0 : self.mask.1)) }
    }

    private mutating func endFrame() -> Violation? {
        switch self.opcode {
        case 8:
            guard self.closeBytes.count == 2 else {
                self.closeCode = 1005
                return nil
            }
            let code = UInt16(self.closeBytes[0]) << 8 | UInt16(self.closeBytes[1])
            guard WebSocketScanner.maySend(code) else { return .closeCode }
            self.closeCode = code
        case 9: self.counts.pings += 1
        case 10: self.counts.pongs += 1
        default:
            guard self.isFinal else { return nil }
            if self.messageOpcode == 1 { self.counts.textMessages += 1 } else { self.counts.binaryMessages += 1 }
            self.messageOpcode = 0
            self.messageBytes = 0
        }
        return nil
    }

    /// RFC 6455 section 7.4, with the codes registered since (https://www.iana.org/assignments/websocket).
    private static func maySend(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    /// A close frame as one's own side sends it (section 5.5.1).
    ///
    /// - Parameter mask: four random bytes where a client sends it; nil for a server's.
    public static func closeFrame(_ code: UInt16, mask: (UInt8, UInt8, UInt8, UInt8)? = nil) -> ByteBuffer {
        self.controlFrame(0x88, (UInt8(code >> 8), UInt8(code & 0xff)), mask)
    }

    /// A ping as one's own side sends it (section 5.5.2), with a payload that tells it from others'.
    public static func pingFrame(mask: (UInt8, UInt8, UInt8, UInt8)? = nil) -> ByteBuffer { self.controlFrame(0x89, (0x70, 0x6c), mask) }

    private static func controlFrame(_ first: UInt8, _ payload: (UInt8, UInt8), _ mask: (UInt8, UInt8, UInt8, UInt8)?) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: 8)
        bytes.writeInteger(first)
        if let mask {
            bytes.writeInteger(UInt8(0x82))
            bytes.writeMultipleIntegers(mask.0, mask.1, mask.2, mask.3, payload.0 ^ mask.0, payload.1 ^ mask.1)
        } else {
            bytes.writeMultipleIntegers(UInt8(2), payload.0, payload.1)
        }
        return bytes
    }
}
