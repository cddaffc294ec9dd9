import NIOCore

/// A loop's buffers for putting messages together. A connection holds one only between its first byte and the flush, so that thousands of
/// waiting connections hold none.
final class BufferStack {
    /// Larger storage is not kept.
    static let keptBytes = 16_384
    /// What a new buffer has room for.
    static let newBytes = 4096
    private var free: [ByteBuffer] = []

    func take() -> ByteBuffer { self.free.popLast() ?? ByteBufferAllocator().buffer(capacity: BufferStack.newBytes) }

    /// Takes back a buffer whose bytes were handed to the socket. If the socket still holds them, the next user gets storage of its own.
    func giveBack(_ buffer: consuming ByteBuffer) {
        guard buffer.capacity > 0, buffer.capacity <= BufferStack.keptBytes, self.free.count < 8 else { return }
        buffer.clear()
        self.free.append(buffer)
    }
}
