/// A plain reading of the WHATWG algorithm, one byte at a time: the oracle of the framer.
enum SSEReference {
    struct Event: Equatable {
        var name: [UInt8]?
        var data: [UInt8]
        var id: [UInt8]?
    }

    /// All events that the complete blocks of a stream dispatch.
    static func events(_ stream: [UInt8]) -> [Event] {
        var result: [Event] = [], name: [UInt8]?, id: [UInt8]?, data: [[UInt8]] = []
        for line in lines(stream) {
            guard !line.isEmpty else {
                if !data.isEmpty { result.append(Event(name: name, data: Array(data.joined(separator: [0x0A])), id: id)) }
                (name, id, data) = (nil, nil, [])
                continue
            }
            let parts = line.split(separator: 0x3A, maxSplits: 1, omittingEmptySubsequences: false)
            var value = parts.count > 1 ? Array(parts[1]) : []
            if value.first == 0x20 { value.removeFirst() }
            switch String(decoding: parts[0], as: UTF8.self) {
            case "data": data.append(value)
            case "event": name = value
            case "id": if !value.contains(0) { id = value }
            default: break
            }
        }
        return result
    }

    /// The lines that have an end.
    private static func lines(_ stream: [UInt8]) -> [[UInt8]] {
        var bytes = stream[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var lines: [[UInt8]] = [], line: [UInt8] = [], wasReturn = false
        for byte in bytes {
            if byte == 0x0A && wasReturn {
                wasReturn = false
                continue
            }
            wasReturn = byte == 0x0D
            if byte == 0x0A || byte == 0x0D {
                lines.append(line)
                line = []
            } else {
                line.append(byte)
            }
        }
        return lines
    }
}
