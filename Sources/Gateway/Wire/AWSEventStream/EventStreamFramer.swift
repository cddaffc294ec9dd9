public import NIOCore

/// Cuts an AWS event stream (`application/vnd.amazon.eventstream`) into messages, wherever its bytes were split.
///
/// `total length (4) · headers length (4) · CRC of both (4) · headers · payload · CRC of everything before (4)`, big-endian.
/// Format: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html. Both checksums are verified; after an error the framer
/// gives nothing more.
public struct EventStreamFramer: Sendable {
    /// Lengths and checksums around headers and payload.
    static let overhead = 16
    private static let preludeLength = 12
    /// AWS's own limit of the headers of one message.
    static let headerLimit = 128 << 10

    private var bytes = ByteBuffer()
    private let limit: Int
    private var failure: EventStreamError?
    /// Length of the message that is being received, once its prelude is known to be right.
    private var awaited = 0

    /// - Parameter limit: longest message in bytes; AWS's own is 16 MiB of payload.
    public init(limit: Int = 17 << 20) { self.limit = limit }

    /// Takes the next bytes of the stream.
    public mutating func feed(_ bytes: ByteBuffer) {
        if self.bytes.readableBytes == 0 {
            self.bytes = bytes
        } else {
            self.bytes.append(bytes)
        }
    }

    /// The next complete message, or nil until more bytes came.
    public mutating func next() throws(EventStreamError) -> EventStreamMessage? {
        if let failure { throw failure }
        do throws(EventStreamError) { return try self.read() } catch {
            self.failure = error
            throw error
        }
    }

    /// To be called at the end of the stream.
    ///
    /// - Throws: ``EventStreamError/truncated`` when it ended inside a message.
    public func finish() throws(EventStreamError) {
        if let failure { throw failure }
        if self.bytes.readableBytes > 0 { throw .truncated }
    }

    private mutating func read() throws(EventStreamError) -> EventStreamMessage? {
        if self.awaited == 0 { try self.readPrelude() }
        guard self.awaited > 0, let message = self.bytes.getSlice(at: self.bytes.readerIndex, length: self.awaited) else { return nil }
        self.bytes.moveReaderIndex(forwardBy: self.awaited)
        if self.bytes.readableBytes == 0 { self.bytes = ByteBuffer() }
        self.awaited = 0
        return try EventStreamFramer.open(message)
    }

    private mutating func readPrelude() throws(EventStreamError) {
        guard self.bytes.readableBytes >= EventStreamFramer.preludeLength else { return }
        let (total, headers, isIntact) = self.bytes.withUnsafeReadableBytes { raw in
            let total = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            let headers = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            let checksum = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            return (Int(total), Int(headers), CRC32.checksum(UnsafeRawBufferPointer(rebasing: raw[..<8])) == checksum)
        }
        guard isIntact else { throw .preludeChecksum }
        guard total >= EventStreamFramer.overhead + headers else { throw .badLength }
        guard total <= self.limit, headers <= EventStreamFramer.headerLimit else { throw .tooLarge }
        self.awaited = total
    }

    private static func open(_ message: ByteBuffer) throws(EventStreamError) -> EventStreamMessage {
        let (headersLength, isIntact) = message.withUnsafeReadableBytes { raw in
            let checksum = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: raw.count &- 4, as: UInt32.self))
            let headers = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            return (Int(headers), CRC32.checksum(UnsafeRawBufferPointer(rebasing: raw[..<(raw.count &- 4)])) == checksum)
        }
        guard isIntact else { throw .messageChecksum }
        let start = message.readerIndex + EventStreamFramer.preludeLength
        guard let headers = message.getSlice(at: start, length: headersLength),
            let payload = message.getSlice(at: start + headersLength, length: message.readableBytes - EventStreamFramer.overhead - headersLength)
        else { throw .badLength }
        return try self.describe(headers, payload)
    }

    private static func describe(_ headers: ByteBuffer, _ payload: ByteBuffer) throws(EventStreamError) -> EventStreamMessage {
        var kind = EventStreamMessage.Kind.event
        var event = ByteBuffer()
        var exception = ByteBuffer()
        var code = ByteBuffer()
        var reader = EventStreamHeaders(headers)
        while let header = try reader.next() {
            guard let value = header.value else { continue }
            header.name.withUnsafeReadableBytes { name in
                if name.elementsEqual(":event-type".utf8) {
                    event = value
                } else if name.elementsEqual(":exception-type".utf8) {
                    exception = value
                } else if name.elementsEqual(":error-code".utf8) {
                    code = value
                } else if name.elementsEqual(":message-type".utf8) {
                    kind = value.withUnsafeReadableBytes { $0.elementsEqual("exception".utf8) ? .exception : $0.elementsEqual("error".utf8) ? .error : .event }
                }
            }
        }
        let name: ByteBuffer
        switch kind {
        case .event: name = event
        case .exception: name = exception
        case .error: name = code
        }
        return EventStreamMessage(kind: kind, name: name, payload: payload, headers: headers)
    }
}
