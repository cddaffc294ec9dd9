/// The bytes every match of an anchored expression begins with, so that it is only tried on paths that begin so.
enum RegexLiteralPrefix {
    /// The literal beginning of `pattern`; empty when there is none that is certain.
    static func of(_ pattern: String) -> [UInt8] {
        let bytes = Array(pattern.utf8)
        guard !Self.hasAlternationOutsideGroups(bytes) else { return [] }
        var literal: [UInt8] = []
        var index = bytes.first == 0x5E ? 1 : 0
        while index < bytes.count {
            var byte = bytes[index]
            var length = 1
            if byte == 0x5C {
                // An escaped letter or digit is a class or a reference, an escaped sign stands for itself.
                guard index + 1 < bytes.count, !ASCII.isAlphanumeric(bytes[index + 1]), bytes[index + 1] < 0x80 else { break }
                byte = bytes[index + 1]
                length = 2
            } else if Self.isMeta(byte) {
                break
            }
            // A character beyond ASCII is several bytes, and a quantifier behind it is about all of them.
            if byte >= 0xC0 { while index + length < bytes.count, bytes[index + length] & 0xC0 == 0x80 { length += 1 } }
            if index + length < bytes.count, Self.isQuantifier(bytes[index + length]) { break }
            literal += byte >= 0xC0 ? bytes[index..<(index + length)] : [byte]
            index += length
        }
        return literal
    }

    private static func isMeta(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x2E, 0x5B, 0x5D, 0x28, 0x29, 0x7B, 0x7D, 0x2A, 0x2B, 0x3F, 0x7C, 0x5E, 0x24, 0x23, 0x20: true
        default: false
        }
    }

    private static func isQuantifier(_ byte: UInt8) -> Bool { byte == 0x2A || byte == 0x3F || byte == 0x2B || byte == 0x7B }

    private static func hasAlternationOutsideGroups(_ bytes: [UInt8]) -> Bool {
        var depth = 0
        var isInClass = false
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case 0x5C: index += 1
            case 0x5B: isInClass = true
            case 0x5D: isInClass = false
            case 0x28 where !isInClass: depth += 1
            case 0x29 where !isInClass: depth -= 1
            // In doubt (an unclosed class ends nowhere) the answer is yes: the expression is then tried on every path.
            case 0x7C where depth <= 0 || isInClass: return true
            default: break
            }
            index += 1
        }
        return false
    }
}
