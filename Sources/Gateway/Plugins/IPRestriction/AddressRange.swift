/// An IP address or a CIDR block (RFC 4632, RFC 4291), as 128 bits; IPv4 addresses are mapped ones (`::ffff:0:0/96`), so that both spellings match.
struct AddressRange: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64
    /// Bits that count, 0 to 128.
    private let prefix: Int

    /// nil: neither an address nor a block.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first, let (high, low, isV4) = Self.parse(address) else { return nil }
        var prefix = 128
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let bits = Int(parts[1]), bits <= (isV4 ? 32 : 128) else { return nil }
            prefix = isV4 ? bits + 96 : bits
        }
        self.high = high
        self.low = low
        self.prefix = prefix
    }

    /// An IPv4 address in dotted decimal; nil: it is none. What nearly every client has, read without making pieces of it.
    init?(ipv4 text: String) {
        var text = text
        guard let value = text.withUTF8({ Self.v4($0) }) else { return nil }
        self.high = 0
        self.low = 0xFFFF_0000_0000 | UInt64(value)
        self.prefix = 128
    }

    /// Whether an address lies in the block.
    func contains(_ address: AddressRange) -> Bool {
        let highMask = self.prefix >= 64 ? UInt64.max : self.prefix == 0 ? 0 : ~0 << UInt64(64 - self.prefix)
        let lowBits = max(0, self.prefix - 64)
        let lowMask = lowBits == 64 ? UInt64.max : lowBits == 0 ? 0 : ~0 << UInt64(64 - lowBits)
        return (address.high ^ self.high) & highMask == 0 && (address.low ^ self.low) & lowMask == 0
    }

    private static func parse(_ text: some StringProtocol) -> (high: UInt64, low: UInt64, isV4: Bool)? {
        if let v4 = self.v4(text) { return (0, 0xFFFF_0000_0000 | UInt64(v4), true) }
        guard text.contains(":") else { return nil }
        var halves: [[UInt16]] = []
        var rest = Substring(text)
        while true {
            let gap = rest.firstRange(of: "::")
            let half = gap.map { rest[..<$0.lowerBound] } ?? rest
            guard let groups = self.groups(half) else { return nil }
            halves.append(groups)
            guard let gap else { break }
            rest = rest[gap.upperBound...]
        }
        let count = halves.reduce(0) { $0 + $1.count }
        guard halves.count <= 2, halves.count == 1 ? count == 8 : count <= 7 else { return nil }
        let all = halves.count == 1 ? halves[0] : halves[0] + [UInt16](repeating: 0, count: 8 - count) + halves[1]
        let words = all.map { UInt64($0) }
        return (words[0] << 48 | words[1] << 32 | words[2] << 16 | words[3], words[4] << 48 | words[5] << 32 | words[6] << 16 | words[7], false)
    }

    /// Hexadecimal groups with colons between, the last perhaps an IPv4 address.
    private static func groups(_ text: Substring) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, let v4 = self.v4(part) {
                groups += [UInt16(truncatingIfNeeded: v4 >> 16), UInt16(truncatingIfNeeded: v4)]
            } else {
                guard part.utf8.count <= 4, part.first != "+", part.first != "-", let value = UInt16(part, radix: 16) else { return nil }
                groups.append(value)
            }
        }
        return groups
    }

    private static func v4(_ text: some StringProtocol) -> UInt32? {
        var text = String(text)
        return text.withUTF8 { self.v4($0) }
    }

    /// Four decimal numbers up to 255, none with a leading zero.
    private static func v4(_ text: UnsafeBufferPointer<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        var number: UInt32 = 0
        var digits = 0, numbers = 0
        for byte in text {
            if byte == 0x2E {
                guard digits > 0, numbers < 3 else { return nil }
                (value, number, digits, numbers) = (value << 8 | number, 0, 0, numbers + 1)
                continue
            }
            guard byte &- 0x30 < 10, digits == 0 || number > 0 else { return nil }
            number = number * 10 + UInt32(byte &- 0x30)
            digits += 1
            guard number <= 255 else { return nil }
        }
        return numbers == 3 && digits > 0 ? value << 8 | number : nil
    }
}
