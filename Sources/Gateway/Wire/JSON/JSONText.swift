import NIOCore

/// Escapes and comparisons of strings that have been validated. Bounds are checked nevertheless: whatever the bytes, memory is safe.
enum JSONText {
    /// Decodes the content of a string; `emit` gets UTF-8 runs.
    static func decode(_ p: UnsafePointer<UInt8>, _ content: Range<Int>, _ emit: (UnsafeRawBufferPointer) -> Void) {
        var i = content.lowerBound
        let end = content.upperBound
        while i < end {
            let slash = ByteScan.index(of: 0x5C, in: p, from: i, to: end) ?? end
            if slash > i { emit(UnsafeRawBufferPointer(start: p + i, count: slash - i)) }
            guard slash + 1 < end else { return }
            i = slash + 2
            switch p[slash + 1] {
            case 0x62: emitScalar(0x08, emit)
            case 0x66: emitScalar(0x0C, emit)
            case 0x6E: emitScalar(0x0A, emit)
            case 0x72: emitScalar(0x0D, emit)
            case 0x74: emitScalar(0x09, emit)
            case 0x75: i = decodeUnicode(p, slash, end, emit)
            default: emit(UnsafeRawBufferPointer(start: p + slash + 1, count: 1))
            }
        }
    }

    /// Decodes into an array.
    static func decoded(_ p: UnsafePointer<UInt8>, _ content: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(content.count)
        decode(p, content) { result.append(contentsOf: $0) }
        return result
    }

    /// Whether a string means these bytes.
    static func equals(_ p: UnsafePointer<UInt8>, _ span: JSONSpan, _ text: UnsafeRawBufferPointer) -> Bool {
        let content = span.content
        // An escape has at most six bytes for each it stands for.
        if span.hasEscapes { return content.count >= text.count && content.count <= 6 &* text.count && decoded(p, content).elementsEqual(text) }
        guard content.count == text.count else { return false }
        for i in 0..<text.count where p[content.lowerBound + i] != text[i] { return false }
        return true
    }

    private static func decodeUnicode(_ p: UnsafePointer<UInt8>, _ slash: Int, _ end: Int, _ emit: (UnsafeRawBufferPointer) -> Void) -> Int {
        guard let first = unit(p, slash, end) else {
            emitScalar(0xFFFD, emit)
            return min(end, slash + 6)
        }
        if first & 0xF800 != 0xD800 {
            emitScalar(first, emit)
            return slash + 6
        }
        if first < 0xDC00, let second = unit(p, slash + 6, end), second & 0xFC00 == 0xDC00 {
            emitScalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF, emit)
            return slash + 12
        }
        emitScalar(0xFFFD, emit)
        return slash + 6
    }

    /// The code unit of a `\u` escape, or nil when there is none.
    private static func unit(_ p: UnsafePointer<UInt8>, _ slash: Int, _ end: Int) -> UInt32? {
        guard slash + 6 <= end, p[slash] == 0x5C, p[slash + 1] == 0x75 else { return nil }
        var value: UInt32 = 0
        for k in 2..<6 {
            guard let digit = ByteScan.hexValue(p[slash + k]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private static func emitScalar(_ value: UInt32, _ emit: (UnsafeRawBufferPointer) -> Void) {
        let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
        var bytes: UInt32 = 0, count = 0
        for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            bytes |= UInt32(unit) << UInt32(8 * count)
            count += 1
        }
        bytes = bytes.littleEndian
        withUnsafeBytes(of: &bytes) { emit(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}
