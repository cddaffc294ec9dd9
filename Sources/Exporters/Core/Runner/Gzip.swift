internal import CZlib

/// gzip (RFC 1952) of a whole body, at the fastest level: exports are repetitive enough for it to take nine tenths away.
enum Gzip {
    /// Nil when memory is short.
    static func pack(_ body: [UInt8]) -> [UInt8]? {
        let bound = pellucid_gzip_bound(body.count)
        let packed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            count = body.withUnsafeBytes { pellucid_gzip($0.baseAddress, $0.count, buffer.baseAddress, bound, 1) }
        }
        return packed.isEmpty ? nil : packed
    }
}
