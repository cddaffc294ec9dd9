/// Finds what in a text may be base64 (RFC 4648 sections 4 and 5) of another text.
enum Base64Candidates {
    /// Shorter runs are words, not hiding places.
    static let minimumLength = 16
    static let minimumStretch = 8
    /// Bounds of the work one text can make.
    static let maximumCandidates = 64
    static let maximumBytes = 1 << 20

    /// The readable stretches of what runs of the alphabet decode to. A run may have other letters before its first group, so each of the four places where groups
    /// can begin is tried.
    static func decoded(in text: UnsafeRawBufferPointer) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var bytes = 0
        var start = 0
        while start < text.count, found.count < self.maximumCandidates, bytes < self.maximumBytes {
            guard self.value(text[start]) != nil else {
                start += 1
                continue
            }
            var end = start
            while end < text.count, self.value(text[end]) != nil { end += 1 }
            if end - start >= self.minimumLength {
                for first in start..<(start + 4) {
                    let readable = self.readable(self.decode(UnsafeRawBufferPointer(rebasing: text[first..<end])))
                    bytes += end - first
                    if !readable.isEmpty { found.append(readable) }
                }
            }
            start = end
        }
        return found
    }

    private static func decode(_ run: UnsafeRawBufferPointer) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(run.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for byte in run {
            bits = bits << 6 | (self.value(byte) ?? 0)
            count += 6
            if count >= 8 {
                count -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return out
    }

    /// Stretches of text, blanks between them; what random bytes hold of such is shorter.
    private static func readable(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var start = 0
        for index in 0...bytes.count {
            if index < bytes.count, self.isText(bytes[index]) { continue }
            let stretch = bytes[start..<index]
            start = index + 1
            guard stretch.count >= self.minimumStretch, stretch.count(where: { $0 < 0x80 }) * 2 >= stretch.count else { continue }
            if !out.isEmpty { out.append(0x20) }
            out += stretch
        }
        return out
    }

    private static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 0x09 || byte == 0x0a || byte == 0x0d }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5a: UInt32(byte - 0x41)
        case 0x61...0x7a: UInt32(byte - 0x61 + 26)
        case 0x30...0x39: UInt32(byte - 0x30 + 52)
        case 0x2b, 0x2d: 62
        case 0x2f, 0x5f: 63
        default: nil
        }
    }
}
