/// SHA-256 (FIPS 180-4) and HMAC (RFC 2104), written plainly: the judge of the audit chain.
enum ReferenceSHA256 {
    static func hex(_ message: [UInt8], key: [UInt8]?) -> String {
        let digest: [UInt8]
        if let key {
            var block = key.count > 64 ? hash(key) : key
            block += [UInt8](repeating: 0, count: 64 - block.count)
            digest = hash(block.map { $0 ^ 0x5c } + hash(block.map { $0 ^ 0x36 } + message))
        } else {
            digest = hash(message)
        }
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func hash(_ message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) { padded.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift)) }
        var state = initial
        for start in stride(from: 0, to: padded.count, by: 64) { compress(&state, Array(padded[start..<(start + 64)])) }
        return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
    }

    private static func compress(_ state: inout [UInt32], _ block: [UInt8]) {
        func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
        var w = (0..<16).map { i in (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(block[i * 4 + $1]) } }
        for i in 16..<64 {
            let a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3
            let b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
            w.append(w[i - 16] &+ a &+ w[i - 7] &+ b)
        }
        var v = state
        for i in 0..<64 {
            let s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
            let choice = v[4] & v[5] ^ ~v[4] & v[6]
            let t1 = v[7] &+ s1 &+ choice &+ constants[i] &+ w[i]
            let s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
            let majority = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]
            v = [t1 &+ s0 &+ majority, v[0], v[1], v[2], v[3] &+ t1, v[4], v[5], v[6]]
        }
        for i in 0..<8 { state[i] &+= v[i] }
    }

    /// The first 32 bits of the fractional parts of roots of the first primes, which is how the standard defines its tables.
    private static let initial: [UInt32] = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
    private static let constants: [UInt32] = primes.map { prime in
        // Cube root by Newton's method; a double has bits enough.
        var root = Double(prime)
        for _ in 0..<200 { root -= (root * root * root - Double(prime)) / (3 * root * root) }
        return fraction(root)
    }
    private static let primes: [Int] = {
        var found: [Int] = []
        var candidate = 2
        while found.count < 64 {
            if !found.contains(where: { candidate % $0 == 0 }) { found.append(candidate) }
            candidate += 1
        }
        return found
    }()
    private static func fraction(_ x: Double) -> UInt32 { UInt32(truncatingIfNeeded: Int64((x - x.rounded(.down)) * 4_294_967_296)) }
}
