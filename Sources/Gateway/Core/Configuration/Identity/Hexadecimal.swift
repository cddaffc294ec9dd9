/// Bytes as text.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            result.append(Self.digits[Int(byte >> 4)])
            result.append(Self.digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }
}
