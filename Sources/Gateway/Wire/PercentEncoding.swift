/// Percent form of what is put into URLs and forms (RFC 3986 section 2.1): everything but unreserved characters (section 2.3) is written as %XX.
public enum PercentEncoding {
    /// Fit for one segment of a path, for a name or value of a query, and for user information.
    public static func encoded(_ text: String) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 { self.append(byte, to: &result) }
        return String(decoding: result, as: UTF8.self)
    }

    public static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: true
        default: false
        }
    }

    public static func append(_ byte: UInt8, to output: inout [UInt8]) {
        if self.isUnreserved(byte) { return output.append(byte) }
        output.append(0x25)
        output.append(self.digit(byte >> 4))
        output.append(self.digit(byte & 0xF))
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
