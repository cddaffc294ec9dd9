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

    private static func message(type: StaticString, nameHeader: StaticString, name: StaticString, payload: ByteBuffer, into output: inout ByteBuffer) {
        let start = output.writerIndex
        let headers = self.size(nameHeader, name) + self.size(":content-type", "application/json") + self.size(":message-type", type)
        let total = EventStreamFramer.overhead + headers + payload.readableBytes
        output.reserveCapacity(minimumWritableBytes: total)
        output.writeInteger(UInt32(total))
        output.writeInteger(UInt32(headers))
        output.writeInteger(self.checksum(of: output, from: start))
        self.header(nameHeader, name, &output)
        self.header(":content-type", "application/json", &output)
        self.header(":message-type", type, &output)
        output.writeImmutableBuffer(payload)
        output.writeInteger(self.checksum(of: output, from: start))
    }

    private static func size(_ name: StaticString, _ value: StaticString) -> Int { 4 + name.utf8CodeUnitCount + value.utf8CodeUnitCount }

    private static func header(_ name: StaticString, _ value: StaticString, _ output: inout ByteBuffer) {
        output.writeInteger(UInt8(name.utf8CodeUnitCount))
        output.writeStaticString(name)
        output.writeInteger(UInt8(7))
        output.writeInteger(UInt16(value.utf8CodeUnitCount))
        output.writeStaticString(value)
    }

    private static func checksum(of output: ByteBuffer, from start: Int) -> UInt32 {
        output.withUnsafeReadableBytes { raw in CRC32.checksum(UnsafeRawBufferPointer(rebasing: raw[(start - output.readerIndex)...])) }
    }
}
