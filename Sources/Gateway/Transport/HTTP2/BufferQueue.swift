import NIOCore

/// Buffers in order. Nearly all streams have one at a time, for which nothing is allocated.
struct BufferQueue {
    /// The oldest; nil: there is none.
    private(set) var first: ByteBuffer?
    /// Those behind it.
    private var rest: CircularBuffer<ByteBuffer>?

    var isEmpty: Bool { self.first == nil }

    mutating func append(_ buffer: ByteBuffer) {
        guard self.first != nil else { return self.first = buffer }
        if self.rest == nil { self.rest = CircularBuffer(initialCapacity: 4) }
        self.rest?.append(buffer)
    }

    mutating func popFirst() -> ByteBuffer? {
        guard let oldest = self.first.take() else { return nil }
        self.first = self.rest?.popFirst()
        return oldest
    }

    /// Takes bytes off the oldest; nil: it has fewer.
    mutating func readSliceOfFirst(length: Int) -> ByteBuffer? { self.first?.readSlice(length: length) }

    mutating func removeAll() { self = BufferQueue() }
}
