/// Takes the framing off a chunked body, over any cut of the input.
///
/// Valid transitions: size → (data → dataEnd → size)* → trailer → done.
struct ChunkReader {
    private enum State { case size, sizeEnd, data, dataEnd, trailerStart, trailerLine, done }
    private var state = State.size
    private var left = 0

    /// Whether the last chunk and its trailers have been read.
    var isDone: Bool { state == .done }

    /// Reads `input` and hands each piece of payload to `payload`; returns how many bytes belong to this body.
    mutating func read(_ input: UnsafeRawBufferPointer, _ payload: (UnsafeRawBufferPointer) -> Void) -> Int {
        var index = 0
        while index < input.count && state != .done {
            let byte = input[index]
            switch state {
            case .size:
                if byte == 0x0D || byte == 0x3B { state = .sizeEnd } else { left = left << 4 | ChunkReader.digit(byte) }
                index += 1
            case .sizeEnd:
                if byte == 0x0A { state = left == 0 ? .trailerStart : .data }
                index += 1
            case .data:
                let count = min(left, input.count - index)
                payload(UnsafeRawBufferPointer(rebasing: input[index..<index + count]))
                index += count
                left -= count
                if left == 0 { state = .dataEnd }
            case .dataEnd:
                if byte == 0x0A { state = .size }
                index += 1
            case .trailerStart:
                if byte == 0x0A { state = .done } else if byte != 0x0D { state = .trailerLine }
                index += 1
            case .trailerLine:
                if byte == 0x0A { state = .trailerStart }
                index += 1
            case .done: break
            }
        }
        return index
    }

    private static func digit(_ byte: UInt8) -> Int {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x37
        case 0x61...0x66: Int(byte) - 0x57
        default: 0
        }
    }
}
