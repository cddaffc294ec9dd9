public import NIOCore

extension JSONSplice {
    /// Puts a string in the place of a value; what is not UTF-8 becomes U+FFFD. False when the value overlaps an earlier edit.
    public mutating func replace(_ value: JSONView, string: ByteBuffer) -> Bool {
        var writer = JSONWriter(capacity: string.readableBytes + 16)
        writer.string(string)
        return self.replace(value.span, with: writer.buffer)
    }

    /// Puts elements, written as JSON with commas between them, before and behind those of an array. False for other values, and on overlap.
    public mutating func surround(_ array: JSONView, first: ByteBuffer, last: ByteBuffer) -> Bool {
        guard array.kind == .array, array.span.count >= 2 else { return false }
        let opening = array.span.start + 1, closing = array.span.end - 1
        if array.isEmptyContainer {
            var both = first
            if first.readableBytes > 0, last.readableBytes > 0 { both.writeStaticString(",") }
            both.writeImmutableBuffer(last)
            return self.replace(opening..<opening, with: both)
        }
        var isDone = true
        if first.readableBytes > 0 {
            var bytes = first
            bytes.writeStaticString(",")
            isDone = self.replace(opening..<opening, with: bytes)
        }
        if last.readableBytes > 0 {
            var bytes = ByteBuffer(staticString: ",")
            bytes.writeImmutableBuffer(last)
            isDone = self.replace(closing..<closing, with: bytes) && isDone
        }
        return isDone
    }
}
