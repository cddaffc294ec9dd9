/// An IPv4 or IPv6 address as a number: comparable with a network without text.
///
/// An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2) is the IPv4 address it maps, so that a dual-stack listener's peers match IPv4 networks.
public struct IPAddress: Sendable, Hashable {
    public let isIPv6: Bool
    /// The address in network order; an IPv4 address takes the last 32 bits.
    let high: UInt64
    let low: UInt64

    init(isIPv6: Bool, high: UInt64, low: UInt64) {
        if isIPv6, high == 0, low >> 32 == 0xffff {
            self.isIPv6 = false
            self.high = 0
            self.low = low & 0xffff_ffff
        } else {
            self.isIPv6 = isIPv6
            self.high = high
            self.low = low
        }
    }

    /// The address a text spells; nil when it is none. Brackets and zones are not part of an address.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if bytes.contains(0x3a) {
            guard let (high, low) = IPAddress.parseIPv6(bytes[...]) else { return nil }
            self.init(isIPv6: true, high: high, low: low)
        } else {
            guard let value = IPAddress.parseIPv4(bytes[...]) else { return nil }
            self.init(isIPv6: false, high: 0, low: UInt64(value))
        }
    }

    private static func parseIPv4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        var result: UInt32 = 0
        let parts = bytes.split(separator: 0x2e, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), part.count == 1 || part.first != 0x30 else { return nil }
            let value = part.reduce(0) { $0 * 10 + UInt32($1 - 0x30) }
            guard value <= 255 else { return nil }
            result = result << 8 | value
        }
        return result
    }

    private static func parseIPv6(_ bytes: ArraySlice<UInt8>) -> (UInt64, UInt64)? {
        var head: [UInt16] = []
        var tail: [UInt16]?
        var rest = bytes
        if rest.starts(with: [0x3a, 0x3a]) {
            tail = []
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 0x3a) ?? rest.endIndex
            let part = rest[rest.startIndex..<end]
            let groups: [UInt16]
            if part.contains(0x2e) {
                guard end == rest.endIndex, let embedded = self.parseIPv4(part) else { return nil }
                groups = [UInt16(embedded >> 16), UInt16(embedded & 0xffff)]
            } else {
                guard (1...4).contains(part.count), part.allSatisfy(ASCII.isAlphanumeric), let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16) else { return nil }
                groups = [value]
            }
            if tail == nil { head += groups } else { tail?.append(contentsOf: groups) }
            guard end < rest.endIndex else { break }
            rest = rest[(end + 1)...]
            if rest.first == 0x3a {
                guard tail == nil else { return nil }
                tail = []
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        let count = head.count + (tail?.count ?? 0)
        guard tail == nil ? count == 8 : count <= 7 else { return nil }
        let all = head + Array(repeating: 0, count: 8 - count) + (tail ?? [])
        func word(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
        return (word(all[0..<4]), word(all[4..<8]))
    }
}

/// A network in CIDR notation, or one address (RFC 4632, RFC 4291 section 2.3).
public struct IPNetwork: Sendable, Hashable {
    private let address: IPAddress
    private let prefixLength: Int

    /// The network a text spells, as `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.1`; nil when it is none. Bits behind the prefix do not count.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(parts[0]) else { return nil }
        let width = address.isIPv6 ? 128 : 32
        self.address = address
        if parts.count == 2 {
            guard let length = Int(parts[1]), (0...width).contains(length), parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
            self.prefixLength = length
        } else {
            self.prefixLength = width
        }
    }

    public func contains(_ other: IPAddress) -> Bool {
        guard other.isIPv6 == self.address.isIPv6 else { return false }
        let bits = self.address.isIPv6 ? self.prefixLength : self.prefixLength + 96
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits)) }
        return (self.address.high ^ other.high) & mask(bits) == 0 && (self.address.low ^ other.low) & mask(bits - 64) == 0
    }
}
