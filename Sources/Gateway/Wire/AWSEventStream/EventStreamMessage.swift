public import NIOCore

/// One message of an AWS event stream: what it is, and its payload. Slices of the received bytes, nothing is copied.
public struct EventStreamMessage: Sendable {
    /// `:message-type`: what kind of message this is.
    public enum Kind: Sendable, Equatable {
        case event
        /// A modelled failure; ``name`` is its type and the payload says more.
        case exception
        /// A failure outside the model; ``name`` is its code.
        case error
    }

    public let kind: Kind
    /// `:event-type`, `:exception-type` or `:error-code`; empty where the sender gave none.
    public let name: ByteBuffer
    public let payload: ByteBuffer
    /// The headers as they came, for what is asked for seldom.
    let headers: ByteBuffer

    /// Whether the name is this one.
    public func isNamed(_ name: StaticString) -> Bool {
        self.name.withUnsafeReadableBytes { bytes in name.withBytes { bytes.elementsEqual($0) } }
    }

    /// Value of a header of type string or bytes, or nil.
    public func header(_ name: StaticString) -> ByteBuffer? {
        var reader = EventStreamHeaders(self.headers)
        while let header = (try? reader.next()) ?? nil {
            let isWanted = header.name.withUnsafeReadableBytes { bytes in name.withBytes { bytes.elementsEqual($0) } }
            if isWanted { return header.value }
        }
        return nil
    }
}

/// Reads headers one by one.
///
/// `name length (1) · name · type (1) · value`; format: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html and
/// https://smithy.io/2.0/aws/amazon-eventstream.html
struct EventStreamHeaders {
    private var bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    struct Header {
        let name: ByteBuffer
        /// Nil for types other than string and bytes.
        let value: ByteBuffer?
    }

    mutating func next() throws(EventStreamError) -> Header? {
        guard self.bytes.readableBytes > 0 else { return nil }
        guard let length = self.bytes.readInteger(as: UInt8.self), length > 0, let name = self.bytes.readSlice(length: Int(length)),
            let type = self.bytes.readInteger(as: UInt8.self)
        else { throw .badHeader }
        let size: Int
        switch type {
        case 0, 1: size = 0
        case 2: size = 1
        case 3: size = 2
        case 4: size = 4
        case 5, 8: size = 8
        case 9: size = 16
        case 6, 7:
            guard let length = self.bytes.readInteger(as: UInt16.self), let value = self.bytes.readSlice(length: Int(length)) else { throw .badHeader }
            return Header(name: name, value: value)
        default: throw .badHeader
        }
        guard self.bytes.readSlice(length: size) != nil else { throw .badHeader }
        return Header(name: name, value: nil)
    }
}
