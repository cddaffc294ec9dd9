/// AWS event streams read as plainly as possible: the whole input at once, bit by bit checksums. The oracle of the framer.
package enum EventStreamReference {
    package struct Message: Equatable, Sendable {
        package let headers: [(name: [UInt8], value: [UInt8])]
        package let payload: [UInt8]

        package static func == (a: Message, b: Message) -> Bool {
            a.payload == b.payload && a.headers.count == b.headers.count && zip(a.headers, b.headers).allSatisfy { $0.name == $1.name && $0.value == $1.value }
        }

        package func header(_ name: String) -> [UInt8]? { self.headers.last { $0.name.elementsEqual(name.utf8) }?.value }
    }

    /// The messages before the first violation, and whether there is one (a message cut off by the end is none).
    package static func read(_ input: [UInt8], limit: Int) -> (messages: [Message], isBroken: Bool, rest: Int) {
        var messages: [Message] = []
        var position = 0
        while input.count - position >= 12 {
            let total = Int(integer(input, position)), headers = Int(integer(input, position + 4))
            guard crc(input[position..<(position + 8)]) == integer(input, position + 8) else { return (messages, true, 0) }
            guard total >= headers + 16, total <= limit, headers <= 131_072 else { return (messages, true, 0) }
            guard input.count - position >= total else { break }
            let end = position + total
            guard crc(input[position..<(end - 4)]) == integer(input, end - 4) else { return (messages, true, 0) }
            guard let read = self.headers(Array(input[(position + 12)..<(position + 12 + headers)])) else { return (messages, true, 0) }
            messages.append(Message(headers: read, payload: Array(input[(position + 12 + headers)..<(end - 4)])))
            position = end
        }
        return (messages, false, input.count - position)
    }

    private static func headers(_ bytes: [UInt8]) -> [(name: [UInt8], value: [UInt8])]? {
        let sizes: [UInt8: Int] = [0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16]
        var result: [(name: [UInt8], value: [UInt8])] = []
        var i = 0
        while i < bytes.count {
            let nameEnd = i + 1 + Int(bytes[i])
            guard bytes[i] > 0, nameEnd < bytes.count else { return nil }
            let name = Array(bytes[(i + 1)..<nameEnd]), type = bytes[nameEnd]
            i = nameEnd + 1
            if let size = sizes[type] {
                guard i + size <= bytes.count else { return nil }
                i += size
            } else {
                guard type == 6 || type == 7, i + 2 <= bytes.count else { return nil }
                let size = Int(bytes[i]) << 8 | Int(bytes[i + 1])
                guard i + 2 + size <= bytes.count else { return nil }
                result.append((name, Array(bytes[(i + 2)..<(i + 2 + size)])))
                i += 2 + size
            }
        }
        return result
    }

    package static func integer(_ bytes: [UInt8], _ at: Int) -> UInt32 { bytes[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }

    package static func crc(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    /// Makes lengths and checksums of a changed stream right again as far as its lengths lead, so that what lies behind them is reached.
    package static func repaired(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        var position = 0
        while bytes.count - position >= 16 {
            let total = Int(integer(bytes, position))
            put(crc(bytes[position..<(position + 8)]), into: &bytes, at: position + 8)
            guard total >= 16, position + total <= bytes.count else { break }
            put(crc(bytes[position..<(position + total - 4)]), into: &bytes, at: position + total - 4)
            position += total
        }
        return bytes
    }

    private static func put(_ value: UInt32, into bytes: inout [UInt8], at: Int) {
        for k in 0..<4 { bytes[at + k] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * k)) }
    }
}
