/// Type resolution of plain YAML scalars, as lyaml's default implicit types do it.
///
/// Source: https://github.com/gvvaughan/lyaml (implicit null, octal, decimal, float, bool, inf, nan) and
/// https://yaml.org/type/ for the YAML 1.1 forms.
enum PlainScalar {
    /// The type of `text` written without quotes.
    static func resolve(_ text: String) -> DocumentScalar.Value {
        var copy = text
        return copy.withUTF8 { bytes in Self.resolve(bytes) }
    }

    private static func resolve(_ bytes: UnsafeBufferPointer<UInt8>) -> DocumentScalar.Value {
        guard let first = bytes.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return Self.number(bytes) ?? .string
        case UInt8(ascii: "~"):
            return bytes.count == 1 ? .null : .string
        default:
            guard bytes.count <= 5 else { return .string }
            return Self.word(bytes)
        }
    }

    private static func word(_ bytes: UnsafeBufferPointer<UInt8>) -> DocumentScalar.Value {
        switch String(decoding: bytes, as: UTF8.self) {
        case "null", "Null", "NULL": .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": .boolean(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": .boolean(false)
        default: .string
        }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> DocumentScalar.Value? {
        var digits = bytes[...]
        var negative = false
        if let sign = digits.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            digits = digits.dropFirst()
        }
        guard let first = digits.first else { return nil }
        if first == UInt8(ascii: ".") {
            switch String(decoding: digits, as: UTF8.self) {
            case ".inf", ".Inf", ".INF": return .number(negative ? -Double.infinity : .infinity)
            case ".nan", ".NaN", ".NAN": return digits.count == bytes.count ? .number(.nan) : nil
            default: break
            }
        }
        if let integer = Self.integer(digits, negative: negative) { return .integer(integer) }
        return Self.float(bytes, digits)
    }

    private static func integer(_ digits: Slice<UnsafeBufferPointer<UInt8>>, negative: Bool) -> Int? {
        var radix = 10
        var body = digits
        if digits.count > 2, digits.first == UInt8(ascii: "0") {
            let second = digits[digits.startIndex + 1] | 0x20
            if second == UInt8(ascii: "x") { radix = 16 } else if second == UInt8(ascii: "o") { radix = 8 }
            if radix != 10 { body = digits.dropFirst(2) }
        }
        if radix == 10, digits.count > 1, digits.first == UInt8(ascii: "0") { radix = 8 }
        var result = 0
        var sawDigit = false
        for byte in body {
            if byte == UInt8(ascii: "_"), sawDigit { continue }
            guard let digit = Self.digit(byte), digit < radix else { return nil }
            sawDigit = true
            let (product, overflow) = result.multipliedReportingOverflow(by: radix)
            let (sum, overflowed) = product.subtractingReportingOverflow(digit)
            guard !overflow, !overflowed else { return nil }
            result = sum
        }
        guard sawDigit else { return nil }
        if negative { return result }
        guard result != .min else { return nil }
        return -result
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte) - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte) - 55
        default: nil
        }
    }

    private static func float(_ bytes: UnsafeBufferPointer<UInt8>, _ digits: Slice<UnsafeBufferPointer<UInt8>>) -> DocumentScalar.Value? {
        var sawDigit = false
        var sawDot = false
        var index = digits.startIndex
        while index < digits.endIndex {
            let byte = digits[index]
            if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                sawDigit = true
            } else if byte == UInt8(ascii: "."), !sawDot {
                sawDot = true
            } else if byte | 0x20 == UInt8(ascii: "e"), sawDigit {
                return Self.exponent(digits[(index + 1)...]) ? Self.parse(bytes) : nil
            } else {
                return nil
            }
            index += 1
        }
        return sawDigit ? Self.parse(bytes) : nil
    }

    private static func exponent(_ tail: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        var tail = tail
        if let sign = tail.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { tail = tail.dropFirst() }
        return !tail.isEmpty && tail.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> DocumentScalar.Value? {
        var text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix("+") { text.removeFirst() }
        return Double(text).map { .number($0) }
    }
}
