/// The grammar of `uri-host [ ":" port ]` (RFC 3986 section 3.2, RFC 9112 section 3.2).
///
/// Stricter than the RFC where another recipient might read on: no userinfo, no comma (which is how repeated fields are joined), and a port has to be 0...65535.
enum HTTPAuthority {
    /// Length of the host part and the port, or nil when the bytes are no authority.
    struct Parts {
        var hostLength: Int
        var port: Int?
    }

    static func parse(_ p: UnsafePointer<UInt8>, count: Int) -> Parts? {
        guard count > 0 else { return nil }
        var i = 0
        if p[0] == 0x5B {
            guard let close = ByteScan.index(of: 0x5D, in: p, from: 1, to: count), close > 1 else { return nil }
            for k in 1..<close where !isAddressByte(p[k]) { return nil }
            i = close + 1
        } else {
            while i < count, p[i] != 0x3A {
                if p[i] == 0x25 {
                    guard i + 2 < count, ByteScan.hexValue(p[i + 1]) != nil, ByteScan.hexValue(p[i + 2]) != nil else { return nil }
                    i += 3
                } else {
                    guard isNameByte(p[i]) else { return nil }
                    i += 1
                }
            }
            guard i > 0 else { return nil }
        }
        if i == count { return Parts(hostLength: i, port: nil) }
        guard p[i] == 0x3A, count - i <= 6 else { return nil }
        var port = 0
        for k in (i + 1)..<count {
            guard ByteScan.isDigit(p[k]) else { return nil }
            port = port * 10 + Int(p[k] - 0x30)
        }
        guard port <= 65535 else { return nil }
        return Parts(hostLength: i, port: count == i + 1 ? nil : port)
    }

    /// Inside the brackets of an IP literal.
    private static func isAddressByte(_ c: UInt8) -> Bool { ByteScan.hexValue(c) != nil || c == 0x3A || c == 0x2E }

    /// `unreserved` and `sub-delims` without the comma.
    private static func isNameByte(_ c: UInt8) -> Bool {
        switch c {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        case 0x21, 0x24, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x3B, 0x3D: true
        default: false
        }
    }
}
