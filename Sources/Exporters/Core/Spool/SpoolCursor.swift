internal import CZlib

/// How far a stream was delivered: 32 bytes that are overwritten before and after every export.
///
/// It is what keeps a killed process from sending everything again: only what was in flight is in doubt.
struct SpoolCursor: Equatable {
    static let length = 32
    private static let magic: UInt32 = 0x4353_4c50

    /// Segment of the first record that is not settled.
    var segment: UInt64 = 0
    var offset: UInt64 = 0
    /// Records from there on that are being sent.
    var inFlight: UInt32 = 0

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: SpoolCursor.length)
        writer.reserve(SpoolCursor.length)
        writer.putUnchecked(raw: SpoolCursor.magic.littleEndian)
        writer.putUnchecked(raw: self.inFlight.littleEndian)
        writer.putUnchecked(raw: self.segment.littleEndian)
        writer.putUnchecked(raw: self.offset.littleEndian)
        writer.putUnchecked(raw: UInt32(0))
        writer.putUnchecked(raw: pellucid_crc32(writer.bytes.baseAddress, 28).littleEndian)
        return [UInt8](writer.bytes)
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) -> SpoolCursor? {
        guard bytes.count >= SpoolCursor.length else { return nil }
        func word(_ offset: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        func long(_ offset: Int) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        guard word(0) == SpoolCursor.magic, word(28) == pellucid_crc32(bytes.baseAddress, 28) else { return nil }
        return SpoolCursor(segment: long(8), offset: long(16), inFlight: word(4))
    }
}
