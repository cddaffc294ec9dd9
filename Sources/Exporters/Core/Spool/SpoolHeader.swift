internal import CZlib

/// The 40 bytes before a stored body, little-endian: magic, version, raw length, stored length, items, requests (4 each), birth (8),
/// CRC-32 of the stored body, CRC-32 of the 36 bytes before.
struct SpoolHeader: Equatable {
    static let length = 40
    private static let magic: UInt32 = 0x3153_4c50
    private static let version: UInt32 = 1
    /// A longer body is a sign of damage, not a batch.
    static let maximumBody = 1 << 28

    var rawLength: Int
    var storedLength: Int
    var items: Int
    var requests: Int
    var born: UInt64
    var bodyCRC: UInt32

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: SpoolHeader.length)
        writer.reserve(SpoolHeader.length)
        for word in [SpoolHeader.magic, SpoolHeader.version, UInt32(self.rawLength), UInt32(self.storedLength), UInt32(clamping: self.items), UInt32(clamping: self.requests)] {
            writer.putUnchecked(raw: word.littleEndian)
        }
        writer.putUnchecked(raw: self.born.littleEndian)
        writer.putUnchecked(raw: self.bodyCRC.littleEndian)
        writer.putUnchecked(raw: pellucid_crc32(writer.bytes.baseAddress, writer.count).littleEndian)
        return [UInt8](writer.bytes)
    }

    /// Nil for bytes that are no undamaged header.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> SpoolHeader? {
        guard bytes.count >= SpoolHeader.length else { return nil }
        func word(_ offset: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        guard word(0) == SpoolHeader.magic, word(4) == SpoolHeader.version, word(36) == pellucid_crc32(bytes.baseAddress, 36) else { return nil }
        let header = SpoolHeader(
            rawLength: Int(word(8)), storedLength: Int(word(12)), items: Int(word(16)), requests: Int(word(20)),
            born: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)), bodyCRC: word(32))
        return header.rawLength <= SpoolHeader.maximumBody && header.storedLength <= SpoolHeader.maximumBody ? header : nil
    }
}
