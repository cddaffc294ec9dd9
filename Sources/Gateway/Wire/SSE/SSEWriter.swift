public import NIOCore

/// Writes server-sent events, lines ended by LF.
public enum SSEWriter {
    /// Writes one event. Line ends inside the data become further `data` lines, so that a reader gets them back as LF.
    ///
    /// - Parameters:
    ///   - data: The payload.
    ///   - name: The event's name; bytes of a line end or NUL in it are refused.
    ///   - id: The event's id; refused likewise.
    ///   - output: Where to write.
    /// - Returns: False when name or id is refused; then nothing is written.
    public static func event(data: ByteBuffer, name: ByteBufferView? = nil, id: ByteBufferView? = nil, into output: inout ByteBuffer) -> Bool {
        guard name.map(isSingleLine) ?? true, id.map(isSingleLine) ?? true else { return false }
        if let name { line("event: ", name, into: &output) }
        if let id { line("id: ", id, into: &output) }
        data.withUnsafeReadableBytes { self.data($0, into: &output) }
        return true
    }

    /// Writes one event with a name from the code, or none.
    public static func event(data: ByteBuffer, name: StaticString, into output: inout ByteBuffer) {
        output.writeStaticString("event: ")
        output.writeStaticString(name)
        output.writeStaticString("\n")
        data.withUnsafeReadableBytes { self.data($0, into: &output) }
    }

    /// Writes the `data` lines and the empty line that ends the event.
    public static func data(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        output.reserveCapacity(minimumWritableBytes: bytes.count + 8)
        var start = 0
        let p = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        while true {
            var end = bytes.count
            if let p {
                end = ByteScan.index(of: 0x0A, in: p, from: start, to: end) ?? end
                end = ByteScan.index(of: 0x0D, in: p, from: start, to: end) ?? end
            }
            output.writeStaticString("data: ")
            output.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            output.writeStaticString("\n")
            guard end < bytes.count else { break }
            start = bytes[end] == 0x0D && end + 1 < bytes.count && bytes[end + 1] == 0x0A ? end + 2 : end + 1
        }
        output.writeStaticString("\n")
    }

    /// Writes `data: [DONE]`, which ends OpenAI's streams (https://platform.openai.com/docs/api-reference/chat-streaming).
    public static func done(into output: inout ByteBuffer) { output.writeStaticString("data: [DONE]\n\n") }

    /// Writes a comment, as a heartbeat that no reader dispatches.
    public static func comment(_ text: StaticString, into output: inout ByteBuffer) {
        output.writeStaticString(": ")
        output.writeStaticString(text)
        output.writeStaticString("\n\n")
    }

    /// Writes the reconnection time, in milliseconds.
    public static func retry(milliseconds: UInt32, into output: inout ByteBuffer) {
        output.writeStaticString("retry: ")
        HTTPWriter.decimal(Int(milliseconds), into: &output)
        output.writeStaticString("\n\n")
    }

    private static func line(_ field: StaticString, _ value: ByteBufferView, into output: inout ByteBuffer) {
        output.writeStaticString(field)
        output.writeBytes(value)
        output.writeStaticString("\n")
    }

    private static func isSingleLine(_ value: ByteBufferView) -> Bool {
        value.withUnsafeBytes { raw in raw.allSatisfy { $0 != 0x0A && $0 != 0x0D && $0 != 0 } }
    }
}
