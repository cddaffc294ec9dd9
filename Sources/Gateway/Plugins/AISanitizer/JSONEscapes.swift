/// Escapes of characters in text that is JSON itself, such as the arguments of a tool's call: what they stand for is to be found too.
enum JSONEscapes {
    /// The text with characters beyond ASCII as themselves instead of as `\u` and their number (RFC 8259 section 7): JSON of the same meaning.
    ///
    /// - Returns: the text, and the beginning of an escape at its end that more text has to complete.
    static func opened(_ text: [UInt8]) -> (text: [UInt8], rest: [UInt8]) {
        guard let first = text.firstIndex(of: UInt8(ascii: "\\")) else { return (text, []) }
        var output = Array(text[..<first])
        var i = first
        while i < text.count {
            guard text[i] == UInt8(ascii: "\\") else {
                output.append(text[i])
                i += 1
                continue
            }
            guard i + 1 < text.count else { return (output, Array(text[i...])) }
            guard text[i + 1] == UInt8(ascii: "u") else {
                output += text[i...(i + 1)]
                i += 2
                continue
            }
            guard i + 6 <= text.count else { return (output, Array(text[i...])) }
            guard let unit = self.unit(text, i) else {
                output += text[i...(i + 1)]
                i += 2
                continue
            }
            var scalar = Unicode.Scalar(unit), length = 6
            if unit & 0xFC00 == 0xD800 {
                // Half of a pair: the other half follows as an escape of its own.
                guard i + 12 <= text.count || !self.beginsEscape(text[(i + 6)...]) else { return (output, Array(text[i...])) }
                if let low = self.unit(text, i + 6), low & 0xFC00 == 0xDC00 {
                    scalar = Unicode.Scalar(0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(low) & 0x3FF)
                    length = 12
                }
            }
            if let scalar, !scalar.isASCII, let encoded = UTF8.encode(scalar) { output += Array(encoded) } else { output += text[i..<(i + length)] }
            i += length
        }
        return (output, [])
    }

    /// Whether this may be the beginning of `\u`.
    private static func beginsEscape(_ text: ArraySlice<UInt8>) -> Bool { text.starts(with: "\\u".utf8.prefix(text.count)) }

    /// The code unit of the escape at an offset; nil: there is none.
    private static func unit(_ text: [UInt8], _ offset: Int) -> UInt16? {
        guard offset + 6 <= text.count, text[offset] == UInt8(ascii: "\\"), text[offset + 1] == UInt8(ascii: "u") else { return nil }
        var value: UInt16 = 0
        for byte in text[(offset + 2)..<(offset + 6)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}
