public import NIOCore

/// Base64 with padding (RFC 4648 section 4).
public enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    public static func encode(_ bytes: ByteBuffer) -> ByteBuffer {
        let count = (bytes.readableBytes + 2) / 3 * 4
        var text = ByteBufferAllocator().buffer(capacity: count)
        let letters = UnsafeBufferPointer(start: self.alphabet.utf8Start, count: 64)
        bytes.withUnsafeReadableBytes { input in
            _ = text.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { output in
                var (from, to) = (0, 0)
                while from < input.count {
                    let left = input.count - from
                    let bits = UInt32(input[from]) << 16 | (left > 1 ? UInt32(input[from + 1]) << 8 : 0) | (left > 2 ? UInt32(input[from + 2]) : 0)
                    output[to] = letters[Int(bits >> 18 & 63)]
                    output[to + 1] = letters[Int(bits >> 12 & 63)]
                    output[to + 2] = left > 1 ? letters[Int(bits >> 6 & 63)] : UInt8(ascii: "=")
                    output[to + 3] = left > 2 ? letters[Int(bits & 63)] : UInt8(ascii: "=")
                    from += 3
                    to += 4
                }
                return to
            }
        }
        return text
    }

    /// The bytes, or nil when the text has other characters; padding may be missing.
    public static func decode(_ text: ByteBuffer) -> ByteBuffer? {
        var bytes = ByteBufferAllocator().buffer(capacity: text.readableBytes * 3 / 4)
        let characters = text.readableBytesView
        let padding = characters.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
        var bits: UInt32 = 0
        var count = 0
        for character in characters.dropLast(padding) {
            let value: UInt8
            switch character {
            case 0x41...0x5a: value = character - 0x41
            case 0x61...0x7a: value = character - 0x61 + 26
            case 0x30...0x39: value = character - 0x30 + 52
            case 0x2b: value = 62
            case 0x2f: value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.writeInteger(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
