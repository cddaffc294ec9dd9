public import NIOCore

/// The frame header of HTTP/2 (RFC 9113 section 4.1).
public struct HTTP2FrameHeader: Sendable, Equatable {
    public static let byteCount = 9
    /// Bytes of payload, at most 2^24 - 1.
    public var length: Int
    /// The type as sent; unknown ones are passed over (RFC 9113 section 5.5).
    public var kind: UInt8
    public var flags: HTTP2Flags
    /// The stream, without the reserved bit; 0: the connection.
    public var stream: UInt32

    public init(length: Int, kind: HTTP2FrameKind, flags: HTTP2Flags = [], stream: UInt32 = 0) {
        self.length = length
        self.kind = kind.rawValue
        self.flags = flags
        self.stream = stream
    }

    /// Reads a header without moving the reader; nil: less than nine bytes are there.
    public init?(peekingAt bytes: ByteBuffer) {
        guard let (first, second) = bytes.getMultipleIntegers(at: bytes.readerIndex, as: (UInt64, UInt8).self) else { return nil }
        self.length = Int(first >> 40)
        self.kind = UInt8(truncatingIfNeeded: first >> 32)
        self.flags = HTTP2Flags(rawValue: UInt8(truncatingIfNeeded: first >> 24))
        self.stream = UInt32(truncatingIfNeeded: first & 0x7F_FFFF) << 8 | UInt32(second)
    }

    /// The nine bytes: eight, and the last one.
    private var packed: (UInt64, UInt8) {
        (
            UInt64(self.length) << 40 | UInt64(self.kind) << 32 | UInt64(self.flags.rawValue) << 24 | UInt64(self.stream >> 8),
            UInt8(truncatingIfNeeded: self.stream)
        )
    }

    public func write(into output: inout ByteBuffer) {
        let (first, last) = self.packed
        output.writeMultipleIntegers(first, last)
    }

    /// Writes over the bytes at `index`, for a payload that was written first.
    public func set(in output: inout ByteBuffer, at index: Int) {
        let (first, last) = self.packed
        output.setMultipleIntegers(first, last, at: index)
    }
}

/// Types of frames (RFC 9113 section 6).
public enum HTTP2FrameKind: UInt8, Sendable {
    case data, headers, priority, rstStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
}

/// Flags of frames; which of them a type has is the type's matter (RFC 9113 section 6).
public struct HTTP2Flags: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let ack = HTTP2Flags(rawValue: 0x1)
    public static let endStream = HTTP2Flags(rawValue: 0x1)
    public static let endHeaders = HTTP2Flags(rawValue: 0x4)
    public static let padded = HTTP2Flags(rawValue: 0x8)
    public static let priority = HTTP2Flags(rawValue: 0x20)
}

/// Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7).
public enum HTTP2ErrorCode: UInt32, Sendable {
    case noError, protocolError, internalError, flowControlError, settingsTimeout, streamClosed, frameSizeError, refusedStream, cancel, compressionError, connectError
    case enhanceYourCalm, inadequateSecurity, http11Required
}

/// Settings (RFC 9113 section 6.5.2, RFC 8441 section 3).
public enum HTTP2Setting: UInt16, Sendable {
    case headerTableSize = 1
    case enablePush, maxConcurrentStreams, initialWindowSize, maxFrameSize, maxHeaderListSize
    case enableConnectProtocol = 8
}

/// Numbers of the protocol.
public enum HTTP2 {
    /// What a client sends first (RFC 9113 section 3.4).
    public static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// Whether what is there is the preface, or its beginning where there is less.
    public static func isPreface(_ bytes: ByteBuffer) -> Bool {
        bytes.withUnsafeReadableBytes { bytes in self.preface.withBytes { zip(bytes, $0).allSatisfy { $0 == $1 } } }
    }

    /// SETTINGS_MAX_FRAME_SIZE's initial value, which the gateway keeps, and which every peer takes.
    public static let frameBytes = 16_384
    /// Both windows' initial size (RFC 9113 section 6.9.2).
    public static let initialWindow = 65_535
    /// The largest window (RFC 9113 section 6.9.1).
    public static let largestWindow = 0x7FFF_FFFF
}

/// Writing whole frames.
extension ByteBuffer {
    public mutating func writeHTTP2Settings(_ settings: [(HTTP2Setting, Int)]) {
        HTTP2FrameHeader(length: settings.count * 6, kind: .settings).write(into: &self)
        for (setting, value) in settings { self.writeMultipleIntegers(setting.rawValue, UInt32(value)) }
    }

    public mutating func writeHTTP2SettingsAck() { HTTP2FrameHeader(length: 0, kind: .settings, flags: .ack).write(into: &self) }

    public mutating func writeHTTP2Ping(_ data: UInt64, isAck: Bool) {
        HTTP2FrameHeader(length: 8, kind: .ping, flags: isAck ? .ack : []).write(into: &self)
        self.writeInteger(data)
    }

    public mutating func writeHTTP2Reset(_ stream: UInt32, _ code: HTTP2ErrorCode) {
        HTTP2FrameHeader(length: 4, kind: .rstStream, stream: stream).write(into: &self)
        self.writeInteger(code.rawValue)
    }

    public mutating func writeHTTP2GoAway(lastStream: UInt32, _ code: HTTP2ErrorCode) {
        HTTP2FrameHeader(length: 8, kind: .goAway).write(into: &self)
        self.writeMultipleIntegers(lastStream, code.rawValue)
    }

    public mutating func writeHTTP2WindowUpdate(_ stream: UInt32, _ increment: Int) {
        HTTP2FrameHeader(length: 4, kind: .windowUpdate, stream: stream).write(into: &self)
        self.writeInteger(UInt32(increment))
    }
}
