public import NIOCore

/// Writes messages of an AWS event stream; the counterpart of ``EventStreamFramer``.
public enum EventStreamWriter {
    /// Writes an event with a JSON payload.
    ///
    /// - Parameter name: `:event-type`, at most 255 bytes.
    public static func event(_ name: StaticString, payload: ByteBuffer, into output: inout ByteBuffer) {
        self.message(type: "event", nameHeader: ":event-type", name: name, payload: payload, into: &output)
    }

    /// Writes a modelled failure with a JSON payload.
    public static func exception(_ name: StaticString, payload: ByteBuffer, into output: inout ByteBuffer) {
        self.message(type: "exception", nameHeader: ":exception-type", name: name, payload: payload, into: &output)
    }

    /// Writes an event or, where the name says that it is one, a modelled failure, with a JSON payload.
    ///
    /// - Parameter name: at most 255 bytes; names of failures end in `Exception` (Smithy's event streams).
    public static func message(named name: ByteBuffer, payload: ByteBuffer, into output: inout ByteBuffer) {
        let isFailure = name.readableBytesView.suffix(9).elementsEqual("Exception".utf8)
        name.withUnsafeReadableBytes {
            self.message(type: isFailure ? "exception" : "event", nameHeader: isFailure ? ":exception-type" : ":event-type", name: $0, payload: payload, into: &output)
        }
    }

    private static func message(type: StaticString, nameHeader: StaticString, name: StaticString, payload: ByteBuffer, into output: inout ByteBuffer) {
        name.withBytes { self.message(type: type, nameHeader: nameHeader, name: $0, payload: payload, into: &output) }
    }

    private static func message(type: StaticString, nameHeader: StaticString, name: UnsafeRawBufferPointer, payload: ByteBuffer, into output: inout ByteBuffer) {
        let start = output.writerIndex
        let headers = self.size(nameHeader, name.count) + self.size(":content-type", 16) + self.size(":message-type", type.utf8CodeUnitCount)
        let total = EventStreamFramer.overhead + headers + payload.readableBytes
        output.reserveCapacity(minimumWritableBytes: total)
        output.writeInteger(UInt32(total))
        output.writeInteger(UInt32(headers))
        output.writeInteger(self.checksum(of: output, from: start))
        self.header(nameHeader, name, &output)
        ("application/json" as StaticString).withBytes { self.header(":content-type", $0, &output) }
        type.withBytes { self.header(":message-type", $0, &output) }
        output.writeImmutableBuffer(payload)
        output.writeInteger(self.checksum(of: output, from: start))
    }

    private static func size(_ name: StaticString, _ value: Int) -> Int { 4 + name.utf8CodeUnitCount + value }

    private static func header(_ name: StaticString, _ value: UnsafeRawBufferPointer, _ output: inout ByteBuffer) {
        output.writeInteger(UInt8(name.utf8CodeUnitCount))
        output.writeStaticString(name)
        output.writeInteger(UInt8(7))
        output.writeInteger(UInt16(value.count))
        output.writeBytes(value)
    }

    private static func checksum(of output: ByteBuffer, from start: Int) -> UInt32 {
        output.withUnsafeReadableBytes { raw in CRC32.checksum(UnsafeRawBufferPointer(rebasing: raw[(start - output.readerIndex)...])) }
    }
}
