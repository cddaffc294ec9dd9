/// Brings a request path into the form routes are matched against: Kong's `normalize` with merged slashes (kong/tools/uri.lua).
///
/// Percent-encoded bytes that are not reserved in RFC 3986 are decoded, the others get upper-case digits; dot segments are resolved and
/// runs of slashes merged. Most paths are normal already and cost one look at each byte.
public enum PathNormalizer {
    /// The normal form, or nil when `path` has it already.
    public static func normalize(_ path: UnsafeRawBufferPointer) -> [UInt8]? {
        guard Self.needsWork(path) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        Self.decode(path, into: &bytes)
        return Self.removeDotSegments(bytes)
    }

    /// The normal form of a string.
    public static func normalized(_ path: String) -> String {
        var copy = path
        return copy.withUTF8 { bytes in
            Self.normalize(UnsafeRawBufferPointer(bytes)).map { String(decoding: $0, as: UTF8.self) }
        } ?? path
    }

    private static func needsWork(_ path: UnsafeRawBufferPointer) -> Bool {
        var previous: UInt8 = 0
        for byte in path {
            switch byte {
            case 0x25: return true
            case 0x2F where previous == 0x2F: return true
            // A segment that begins with a dot may be a dot segment.
            case 0x2E where previous == 0x2F || previous == 0: return true
            default: previous = byte
            }
        }
        return false
    }

    private static func decode(_ path: UnsafeRawBufferPointer, into bytes: inout [UInt8]) {
        var index = 0
        while index < path.count {
            let byte = path[index]
            guard byte == 0x25, index + 2 < path.count, let high = ASCII.hexValue(path[index + 1]), let low = ASCII.hexValue(path[index + 2]) else {
                bytes.append(byte)
                index += 1
                continue
            }
            let value = high << 4 | low
            if Self.isReserved(value) {
                bytes.append(0x25)
                bytes.append(Self.uppercased(path[index + 1]))
                bytes.append(Self.uppercased(path[index + 2]))
            } else {
                bytes.append(value)
            }
            index += 3
        }
    }

    private static func uppercased(_ byte: UInt8) -> UInt8 { byte &- 0x61 < 26 ? byte & ~0x20 : byte }

    private static func isReserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x2A, 0x27, 0x28, 0x29, 0x3B, 0x3A, 0x40, 0x26, 0x3D, 0x2B, 0x24, 0x2C, 0x2F, 0x3F, 0x25, 0x23, 0x5B, 0x5D: true
        default: false
        }
    }

    /// RFC 3986 section 5.2.4, with runs of slashes merged.
    private static func removeDotSegments(_ input: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        // Where each segment of the output begins, its slash included.
        var starts: [Int] = []
        var index = 0
        let count = input.count
        func at(_ offset: Int) -> UInt8? { index + offset < count ? input[index + offset] : nil }
        // Dots before the first slash have no segment to leave.
        while index < count, input[index] == 0x2E {
            if at(1) == nil || (at(1) == 0x2E && at(2) == nil) { return [] }
            if at(1) == 0x2F { index += 2 } else if at(1) == 0x2E, at(2) == 0x2F { index += 3 } else { break }
        }
        while index < count {
            if input[index] == 0x2F {
                if at(1) == 0x2F {
                    index += 1
                    continue
                }
                if at(1) == 0x2E {
                    if at(2) == nil || at(2) == 0x2F {
                        index += 2
                        if index >= count { Self.append(0x2F, &output, &starts) }
                        continue
                    }
                    if at(2) == 0x2E, at(3) == nil || at(3) == 0x2F {
                        if let start = starts.popLast() { output.removeSubrange(start...) }
                        index += 3
                        if index >= count { Self.append(0x2F, &output, &starts) }
                        continue
                    }
                }
                Self.append(0x2F, &output, &starts)
                index += 1
            } else if output.isEmpty {
                starts.append(0)
            }
            while index < count, input[index] != 0x2F {
                output.append(input[index])
                index += 1
            }
        }
        return output
    }

    private static func append(_ slash: UInt8, _ output: inout [UInt8], _ starts: inout [Int]) {
        starts.append(output.count)
        output.append(slash)
    }
}
