/// CRC-32 of ISO 3309 (polynomial 0xEDB88320 reflected), eight bytes a step: https://create.stephan-brumme.com/crc32/ ("slicing-by-8").
enum CRC32 {
    /// Continues a checksum; 0 begins one.
    static func update(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = ~checksum
        var i = 0
        let table = CRC32.table.pointer
        while i &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self)) ^ UInt64(crc)
            crc = 0
            for k in 0..<8 { crc ^= table[(7 &- k) &* 256 &+ Int(truncatingIfNeeded: word &>> UInt64(8 &* k) & 0xFF)] }
            i &+= 8
        }
        while i < bytes.count {
            crc = crc &>> 8 ^ table[Int((crc ^ UInt32(bytes[i])) & 0xFF)]
            i &+= 1
        }
        return ~crc
    }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { self.update(0, bytes) }

    /// Eight tables of 256 entries; never freed, never changed.
    private struct Table: @unchecked Sendable {
        // Unchecked: written once before anybody sees it.
        let pointer: UnsafePointer<UInt32>

        init() {
            let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 8 * 256)
            for i in 0..<256 {
                var crc = UInt32(i)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
                table[i] = crc
            }
            for k in 1..<8 {
                for i in 0..<256 {
                    let previous = table[(k - 1) * 256 + i]
                    table[k * 256 + i] = previous >> 8 ^ table[Int(previous & 0xFF)]
                }
            }
            self.pointer = UnsafePointer(table)
        }
    }

    private static let table = Table()
}
