#if canImport(Glibc)
    import Glibc
#endif
internal import Telemetry

/// The protobuf wire format (https://protobuf.dev/programming-guides/encoding/), written in one pass with the shortest varints.
///
/// Lengths that are not known beforehand get two bytes, which fit 128…16,383; other lengths move what was written.
extension ByteWriter {
    /// Bytes of a varint.
    @inline(__always)
    static func varintLength(_ value: UInt64) -> Int { (70 &- (value | 1).leadingZeroBitCount) / 7 }
    @inline(__always)
    static func varintLength(_ value: Int) -> Int { value < 128 ? 1 : varintLength(UInt64(value)) }

    @inline(__always)
    mutating func putVarintUnchecked(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            self.putUnchecked(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        self.putUnchecked(UInt8(truncatingIfNeeded: value))
    }

    mutating func putVarint(_ value: UInt64) {
        self.reserve(10)
        self.putVarintUnchecked(value)
    }

    /// Tag, length and bytes of a length-delimited field.
    mutating func putField(_ tag: UInt8, _ bytes: UnsafeRawBufferPointer) {
        self.reserve(bytes.count &+ 11)
        self.putUnchecked(tag)
        self.putVarintUnchecked(UInt64(bytes.count))
        self.putUnchecked(bytes)
    }

    mutating func putField(_ tag: UInt8, _ text: String) {
        var text = text
        text.withUTF8 { self.putField(tag, UnsafeRawBufferPointer($0)) }
    }

    /// Tag of a message field and room for its length; returns where the message begins.
    @inline(__always)
    mutating func beginMessage(_ tag: UInt8) -> Int {
        self.reserve(3)
        self.putUnchecked(tag)
        self.skipUnchecked(2)
        return self.count
    }

    /// Writes the length of the message that began at `start`.
    @inline(__always)
    mutating func endMessage(_ start: Int) {
        let length = self.count &- start
        if length >= 128 && length < 16_384 {
            self.overwrite(UInt8(truncatingIfNeeded: length) | 0x80, at: start &- 2)
            self.overwrite(UInt8(truncatingIfNeeded: length >> 7), at: start &- 1)
        } else {
            self.endUnusualMessage(start, length)
        }
    }

    @inline(never)
    private mutating func endUnusualMessage(_ start: Int, _ length: Int) {
        let width = ByteWriter.varintLength(length)
        if width < 2 { self.removeGap(2 - width, at: start - 2) } else { self.insertGap(width - 2, at: start) }
        var rest = length
        for i in 0..<width {
            self.overwrite(UInt8(truncatingIfNeeded: rest & 0x7f) | (i < width - 1 ? 0x80 : 0), at: start - 2 + i)
            rest >>= 7
        }
    }
}
