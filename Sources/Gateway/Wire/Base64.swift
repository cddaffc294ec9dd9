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

    /// Six bits of each letter; 255 of what is none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for index in 0..<64 { values[Int(Base64.alphabet.utf8Start[index])] = UInt8(index) }
        return values
    }()

    /// The bytes, or nil when the text has other characters; padding may be missing.
    public static func decode(_ text: ByteBuffer) -> ByteBuffer? {
        let padding = text.readableBytesView.suffix(2).filter { $0 == UInt8(ascii: "=") }.count
        let count = text.readableBytes - padding
        var bytes = ByteBufferAllocator().buffer(capacity: count * 3 / 4)
        var isValid = true
        self.values.withUnsafeBufferPointer { values in
            text.withUnsafeReadableBytes { input in
                _ = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count * 3 / 4) { output in
                    var (bits, held, to) = (0 as UInt32, 0 as UInt32, 0)
                    for from in 0..<count {
                        let value = values[Int(input[from])]
                        guard value < 64 else {
                            isValid = false
                            return 0
                        }
                        bits = bits &<< 6 | UInt32(value)
                        held &+= 6
                        guard held >= 8 else { continue }
                        held &-= 8
                        output[to] = UInt8(truncatingIfNeeded: bits &>> held)
                        to &+= 1
                    }
                    return to
                }
            }
        }
        return isValid ? bytes : nil
    }
}
