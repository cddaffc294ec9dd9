internal import CLZ4
internal import CZlib

/// Bodies as they lie on disk: one LZ4 block each, its lengths in the header.
enum SpoolBody {
    /// Header and block of a batch, as they are written.
    static func record(_ body: [UInt8], items: Int, requests: Int, born: UInt64) throws(SpoolFailure) -> [UInt8] {
        guard body.count <= SpoolHeader.maximumBody else { throw SpoolFailure("too_large") }
        let bound = Int(LZ4_compressBound(Int32(body.count)))
        var stored = 0
        var record = [UInt8](unsafeUninitializedCapacity: SpoolHeader.length + bound) { buffer, count in
            let target = UnsafeMutableRawPointer(buffer.baseAddress! + SpoolHeader.length).assumingMemoryBound(to: CChar.self)
            stored = body.withUnsafeBytes { source in
                Int(LZ4_compress_default(source.baseAddress?.assumingMemoryBound(to: CChar.self), target, Int32(source.count), Int32(bound)))
            }
            count = SpoolHeader.length + stored
        }
        guard stored > 0 else { throw SpoolFailure("not_compressed") }
        let crc = record.withUnsafeBytes { pellucid_crc32($0.baseAddress! + SpoolHeader.length, stored) }
        let header = SpoolHeader(rawLength: body.count, storedLength: stored, items: items, requests: requests, born: born, bodyCRC: crc)
        record.replaceSubrange(0..<SpoolHeader.length, with: header.encode())
        return record
    }

    /// The body of a whole record; fails with `corrupt` where a checksum or a length does not hold.
    static func body(_ record: [UInt8]) throws(SpoolFailure) -> [UInt8] {
        guard let header = record.withUnsafeBytes({ SpoolHeader.decode($0) }), record.count >= SpoolHeader.length + header.storedLength else { throw SpoolFailure("corrupt") }
        let body = record.withUnsafeBytes { bytes -> [UInt8]? in
            let stored = UnsafeRawBufferPointer(rebasing: bytes[SpoolHeader.length..<(SpoolHeader.length + header.storedLength)])
            guard pellucid_crc32(stored.baseAddress, stored.count) == header.bodyCRC else { return nil }
            var produced: Int32 = -1
            let raw = [UInt8](unsafeUninitializedCapacity: max(1, header.rawLength)) { buffer, count in
                let target = UnsafeMutableRawPointer(buffer.baseAddress!).assumingMemoryBound(to: CChar.self)
                produced = LZ4_decompress_safe(stored.baseAddress?.assumingMemoryBound(to: CChar.self), target, Int32(stored.count), Int32(header.rawLength))
                count = max(0, Int(produced))
            }
            return Int(produced) == header.rawLength ? raw : nil
        }
        guard let body else { throw SpoolFailure("corrupt") }
        return body
    }
}
