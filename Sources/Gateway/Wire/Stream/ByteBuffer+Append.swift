import NIOCore

extension ByteBuffer {
    /// Appends what arrives to what has not been read yet. What has been read goes: a buffer that is only written to keeps it for as long as it lives.
    mutating func append(_ input: ByteBuffer) {
        // Of a slice only its own bytes are copied when it has to grow.
        if self.readerIndex > 0 { self = self.slice() }
        self.writeImmutableBuffer(input)
    }
}
