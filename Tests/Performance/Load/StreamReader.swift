/// Reads one response after the other and counts the events in each, without copying.
///
/// Valid transitions: head → body → (complete; `reset` → head).
struct StreamReader {
    private enum Framing { case chunked(ChunkReader), length(Int), untilClose }

    private var head: [UInt8] = []
    private var framing: Framing?
    private(set) var status = 0
    private(set) var events = 0
    private(set) var isComplete = false
    private(set) var closes = false
    /// Whether the last event was [DONE] or `message_stop`.
    private(set) var sawDone = false
    /// The last payload bytes, for what may stand across a cut.
    private var tail: UInt64 = 0
    private var previous: UInt8 = 0

    mutating func reset() { self = StreamReader() }

    /// Takes bytes in; what follows a complete response is ignored (the client sends one request at a time).
    mutating func read(_ input: UnsafeRawBufferPointer) {
        var rest = input
        if framing == nil {
            guard let used = readHead(input) else { return }
            rest = UnsafeRawBufferPointer(rebasing: input[used...])
        }
        switch framing {
        case .chunked(var reader):
            _ = reader.read(rest) { count($0) }
            isComplete = reader.isDone
            framing = .chunked(reader)
        case .length(let left):
            count(rest)
            framing = .length(left - rest.count)
            isComplete = left - rest.count <= 0
        case .untilClose: count(rest)
        case nil: break
        }
        // `[DONE]` and `stop"}` with an empty line are eight bytes each.
        if isComplete { sawDone = tail == 0x5B_44_4F_4E_45_5D_0A_0A || tail == 0x73_74_6F_70_22_7D_0A_0A }
    }

    /// Bytes of `input` that belong to the head; nil while it is incomplete.
    private mutating func readHead(_ input: UnsafeRawBufferPointer) -> Int? {
        let known = head.count
        head.append(contentsOf: input)
        guard let scanned = head.withUnsafeBytes({ HeadScanner($0) }) else { return nil }
        status = head.count > 12 ? head[9..<12].reduce(0) { $0 * 10 + Int($1 &- 0x30) } : 0
        closes = scanned.closes
        framing = if scanned.isChunked { .chunked(ChunkReader()) } else if let length = scanned.contentLength { .length(length) } else { .untilClose }
        return scanned.length - known
    }

    /// Events end with an empty line.
    private mutating func count(_ payload: UnsafeRawBufferPointer) {
        var last = previous
        var found = 0
        for byte in payload {
            if byte == 0x0A && last == 0x0A { found += 1 }
            last = byte
        }
        previous = last
        events += found
        for byte in payload.suffix(8) { tail = tail << 8 | UInt64(byte) }
    }
}
