public import NIOCore

extension SSEFramer {
    /// The event's data: a slice when it is one line, else the lines joined by LF, in a new buffer; nil when there is no data line.
    public func data(of frame: SSEFrame) -> ByteBuffer? {
        if let range = frame.data { return bytes.getSlice(at: range.lowerBound, length: range.count) }
        guard frame.dataLineCount > 0 else { return nil }
        var joined = ByteBufferAllocator().buffer(capacity: frame.range.count)
        bytes.withVeryUnsafeBytes { raw in
            guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            var isFirst = true, lineStart = frame.range.lowerBound
            while lineStart < frame.range.upperBound {
                var end = lineStart
                while end < frame.range.upperBound, p[end] != 0x0A, p[end] != 0x0D { end += 1 }
                let mark = frame.hasMark && lineStart == frame.range.lowerBound ? 3 : 0
                if let field = SSEField.parse(p, lineStart + mark, end), field.kind == .data {
                    if !isFirst { joined.writeInteger(UInt8(0x0A)) }
                    isFirst = false
                    joined.writeBytes(UnsafeRawBufferPointer(start: p + field.valueStart, count: end - field.valueStart))
                }
                lineStart = end + 1
            }
        }
        return joined
    }

    /// A range of a frame as a view of the bytes.
    public func view(_ range: Range<Int>) -> ByteBufferView {
        bytes.viewBytes(at: range.lowerBound, length: range.count) ?? ByteBufferView()
    }

    /// The whole event as a slice, for an owner that holds it back and drops it from the stream.
    public func bytes(of frame: SSEFrame) -> ByteBuffer {
        bytes.getSlice(at: frame.range.lowerBound, length: frame.range.count) ?? ByteBuffer()
    }

    /// Whether the event has this name (case-sensitive); an event without a name is called "message" (WHATWG HTML section 9.2.6).
    public func isNamed(_ name: StaticString, _ frame: SSEFrame) -> Bool {
        guard let range = frame.name, !range.isEmpty else { return name.utf8CodeUnitCount == 7 && "\(name)" == "message" }
        return matches(range, name)
    }

    /// Whether the event's only data line is exactly this, as `[DONE]` is for OpenAI's streams.
    public func isData(_ data: StaticString, _ frame: SSEFrame) -> Bool {
        frame.data.map { matches($0, data) } ?? false
    }

    private func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return bytes.withVeryUnsafeBytes { raw in
            for i in 0..<range.count where raw[range.lowerBound + i] != text.utf8Start[i] { return false }
            return true
        }
    }
}
