import NIOCore

/// Puts events that stages have seen one by one into the one JSON array a client asked for.
final class ArrayPacker {
    private var hasElements = false

    func add(_ data: ByteBuffer, into output: inout ByteBuffer) {
        output.writeStaticString(self.hasElements ? ",\n" : "[")
        self.hasElements = true
        output.writeImmutableBuffer(data)
    }

    func end(into output: inout ByteBuffer) { output.writeStaticString(self.hasElements ? "]" : "[]") }
}
