/// SHA-256 over a stream of bytes, for the hash of a configuration. FIPS 180-4.
///
/// Core has no C, and a configuration is hashed once a load: a megabyte takes some milliseconds.
struct SHA256 {
    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01,
        0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc,
        0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147,
        0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116, 0x1e37_6c08,
        0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3, 0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208,
        0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]

    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var schedule = [UInt32](repeating: 0, count: 64)
    private var pending: [UInt8] = []
    private var count: UInt64 = 0

    init() { self.pending.reserveCapacity(8_192) }

    /// Adds the bytes of a string, preceded by its length, so that neighbours cannot run into each other.
    mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            self.add(length: bytes.count)
            self.pending.append(contentsOf: bytes)
        }
        if self.pending.count >= 4_096 { self.drain() }
    }

    mutating func add(length: Int) {
        for shift in stride(from: 24, through: 0, by: -8) { self.pending.append(UInt8(truncatingIfNeeded: length >> shift)) }
    }

    mutating func add(byte: UInt8) {
        self.pending.append(byte)
    }

    mutating func add(bytes: [UInt8]) {
        self.pending.append(contentsOf: bytes)
    }

    private mutating func drain() {
        let whole = self.pending.count / 64 * 64
        self.pending.withUnsafeBufferPointer { bytes in
            for block in stride(from: 0, to: whole, by: 64) {
                Self.compress(&self.state, &self.schedule, UnsafeBufferPointer(rebasing: bytes[block..<block + 64]))
            }
        }
        self.count += UInt64(whole)
        self.pending.removeFirst(whole)
    }

    private static func compress(_ state: inout [UInt32], _ w: inout [UInt32], _ block: UnsafeBufferPointer<UInt8>) {
        for i in 0..<16 {
            w[i] = UInt32(block[4 * i]) << 24 | UInt32(block[4 * i + 1]) << 16 | UInt32(block[4 * i + 2]) << 8 | UInt32(block[4 * i + 3])
        }
        for i in 16..<64 {
            let x = w[i - 15], y = w[i - 2]
            let small0 = (x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ (x >> 3)
            let small1 = (y >> 17 | y << 15) ^ (y >> 19 | y << 13) ^ (y >> 10)
            w[i] = w[i - 16] &+ small0 &+ w[i - 7] &+ small1
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for i in 0..<64 {
            let big1 = (e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)
            let first = h &+ big1 &+ ((e & f) ^ (~e & g)) &+ Self.constants[i] &+ w[i]
            let big0 = (a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)
            let second = big0 &+ ((a & b) ^ (a & c) ^ (b & c))
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        for (i, value) in [a, b, c, d, e, f, g, h].enumerated() { state[i] = state[i] &+ value }
    }

    /// The digest in lower-case hexadecimal.
    mutating func finish() -> String {
        self.drain()
        let bits = (self.count + UInt64(self.pending.count)) &* 8
        self.pending.append(0x80)
        while self.pending.count % 64 != 56 { self.pending.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) { self.pending.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
        self.drain()
        return Hexadecimal.text(MessagePadding.bytes(self.state))
    }
}
