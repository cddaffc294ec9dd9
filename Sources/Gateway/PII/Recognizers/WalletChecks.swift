/// Checksums of cryptocurrency addresses.
enum WalletChecks {
    private static let alphabet: StaticString = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    private static let values: [Int] = {
        var values = [Int](repeating: -1, count: 256)
        for index in 0..<58 { values[Int(alphabet.utf8Start[index])] = index }
        return values
    }()

    static func isBase58(_ text: UnsafeBufferPointer<UInt8>) -> Bool { text.allSatisfy { self.values[Int($0)] >= 0 } }

    /// 25 bytes of which the last four are the double SHA-256 of the others. https://en.bitcoin.it/wiki/Base58Check_encoding
    static func isBase58Check(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard text.count >= 26, text.count <= 35 else { return false }
        var bytes = [UInt8](repeating: 0, count: 25)
        for character in text {
            var carry = self.values[Int(character)]
            if carry < 0 { return false }
            for index in stride(from: 24, through: 0, by: -1) {
                carry += Int(bytes[index]) * 58
                bytes[index] = UInt8(carry & 0xFF)
                carry >>= 8
            }
            if carry > 0 { return false }
        }
        let digest = SHA256Block.digest(SHA256Block.digest(Array(bytes[..<21])))
        return digest.prefix(4).elementsEqual(bytes[21...])
    }

    /// Bech32 and Bech32m addresses of the networks in use. https://github.com/bitcoin/bips/blob/master/bip-0350.mediawiki
    static func isBech32(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let charset: StaticString = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
        let lowered = text.map { PIIScan.isUpper($0) ? $0 | 0x20 : $0 }
        guard let separator = lowered.lastIndex(of: 0x31), separator >= 2, separator <= 5, lowered.count - separator > 6 else { return false }
        guard [Array("bc".utf8), Array("ltc".utf8), Array("tb".utf8)].contains(Array(lowered[..<separator])) else { return false }
        var check: UInt32 = 1
        func add(_ value: UInt32) {
            let top = check >> 25
            check = (check & 0x1FF_FFFF) << 5 ^ value
            for (bit, generator) in [UInt32(0x3B6A_57B2), 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3].enumerated() where top >> UInt32(bit) & 1 == 1 { check ^= generator }
        }
        for byte in lowered[..<separator] { add(UInt32(byte >> 5)) }
        add(0)
        for byte in lowered[..<separator] { add(UInt32(byte & 31)) }
        for byte in lowered[(separator + 1)...] {
            guard let value = (0..<32).first(where: { charset.utf8Start[$0] == byte }) else { return false }
            add(UInt32(value))
        }
        return check == 1 || check == 0x2BC8_30A3
    }
}

/// SHA-256 of up to 55 bytes: one block. FIPS 180-4.
enum SHA256Block {
    /// The first 32 bits of the fractional parts of a root of the first primes.
    private static func fractions(_ count: Int, cube: Bool) -> [UInt32] {
        var primes: [UInt64] = [], candidate: UInt64 = 2
        while primes.count < count {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map { prime in
            // The root times 2^32, found bit by bit in whole numbers.
            var root: UInt64 = 0
            for bit in stride(from: UInt64(36), through: 0, by: -1) {
                let next = root | 1 << bit
                let isBelow: Bool
                if cube {
                    let square = next.multipliedFullWidth(by: next)
                    isBelow = self.isProduct(square, next, atMost: prime, shift: 96)
                } else {
                    let square = next.multipliedFullWidth(by: next)
                    isBelow = square.high < prime || (square.high == prime && square.low == 0)
                }
                if isBelow { root = next }
            }
            return UInt32(truncatingIfNeeded: root)
        }
    }

    /// Whether square × factor ≤ limit × 2^shift, with a square of up to 74 bits.
    private static func isProduct(_ square: (high: UInt64, low: UInt64), _ factor: UInt64, atMost limit: UInt64, shift: UInt64) -> Bool {
        let low = square.low.multipliedFullWidth(by: factor)
        let high = square.high &* factor
        let (middle, overflow) = low.high.addingReportingOverflow(high)
        if overflow { return false }
        // The product is middle × 2^64 + low.low; the limit is limit × 2^96.
        return middle >> 32 < limit || (middle >> 32 == limit && middle & 0xFFFF_FFFF == 0 && low.low == 0)
    }

    private static let constants = fractions(64, cube: true)
    private static let initial = fractions(8, cube: false)

    static func digest(_ message: [UInt8]) -> [UInt8] {
        var block = message + [0x80]
        while block.count < 56 { block.append(0) }
        let bits = UInt64(message.count * 8)
        for shift in stride(from: UInt64(56), through: 0, by: -8) { block.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        var w = (0..<16).map { i in (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(block[i * 4 + $1]) } }
        func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value >> count | value << (32 - count) }
        for i in 16..<64 {
            let a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3, b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
            w.append(w[i - 16] &+ a &+ w[i - 7] &+ b)
        }
        var s = self.initial
        for i in 0..<64 {
            let e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25), choice = (s[4] & s[5]) ^ (~s[4] & s[6])
            let first = s[7] &+ e &+ choice &+ self.constants[i] &+ w[i]
            let a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22), majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2])
            s = [first &+ a &+ majority, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6]]
        }
        return zip(self.initial, s).flatMap { initial, value -> [UInt8] in
            let sum = initial &+ value
            return [UInt8(sum >> 24), UInt8(sum >> 16 & 0xFF), UInt8(sum >> 8 & 0xFF), UInt8(sum & 0xFF)]
        }
    }
}
