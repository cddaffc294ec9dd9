import NIOCore

/// `application/x-www-form-urlencoded` bodies.
enum FormBody {
    static func make(_ fields: [(name: String, value: String)]) -> ByteBuffer { ByteBuffer(string: self.text(fields)) }

    static func text(_ fields: [(name: String, value: String)]) -> String {
        fields.map { "\(PercentEncoding.encoded($0.name))=\(PercentEncoding.encoded($0.value))" }.joined(separator: "&")
    }
}

/// RFC 3986 section 2: everything but unreserved characters is written as %XX.
enum PercentEncoding {
    static func encoded(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 { PercentEncoding.append(byte, to: &result) }
        return String(decoding: result, as: UTF8.self)
    }

    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
        default: false
        }
    }

    static func append(_ byte: UInt8, to output: inout [UInt8]) {
        if self.isUnreserved(byte) { return output.append(byte) }
        output.append(0x25)
        output.append(self.digit(byte >> 4))
        output.append(self.digit(byte & 0xF))
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
