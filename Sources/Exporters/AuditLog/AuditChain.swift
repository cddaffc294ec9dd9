#if canImport(Glibc)
    import Glibc
#endif
internal import COpenSSL
internal import Telemetry

/// The hash chain of the audit stream.
///
/// A line ends `,"seq":N,"prev_hash":"…","hash":"…"}`. Its hash is the SHA-256 (HMAC-SHA-256 with a key) over every byte of the line
/// before `,"hash":"`, in lower-case hex; `prev_hash` is the hash of the line before, 64 zeros for the very first.
struct AuditChain {
    /// 32 bytes as four words, in the order in which hex shows them.
    typealias Digest = (UInt64, UInt64, UInt64, UInt64)

    static let zero: Digest = (0, 0, 0, 0)
    /// `,"hash":"` + 64 + `"}`.
    static let tailLength = 9 + 64 + 2

    var seq: UInt64 = 0
    var digest: Digest = AuditChain.zero
    private let key: AuditKey?

    init(key: AuditKey?) { self.key = key }

    /// Completes the line that began at `start` and has no closing brace yet.
    mutating func seal(_ out: inout ByteWriter, from start: Int) {
        self.seq += 1
        out.put(",\"seq\":" as StaticString)
        out.putDecimal(self.seq)
        out.put(",\"prev_hash\":\"" as StaticString)
        AuditChain.putHex(self.digest, &out)
        out.put(0x22)
        self.digest = AuditChain.hash(UnsafeRawBufferPointer(rebasing: out.bytes[start...]), self.key)
        out.put(",\"hash\":\"" as StaticString)
        AuditChain.putHex(self.digest, &out)
        out.put("\"}\n" as StaticString)
    }

    static func hash(_ bytes: UnsafeRawBufferPointer, _ key: AuditKey?) -> Digest {
        var digest: Digest = AuditChain.zero
        withUnsafeMutableBytes(of: &digest) { target in
            let out = target.assumingMemoryBound(to: UInt8.self).baseAddress
            if let key { pellucid_hmac_sha256(key.pointer, bytes.baseAddress, bytes.count, out) } else { pellucid_sha256(bytes.baseAddress, bytes.count, out) }
        }
        return (digest.0.bigEndian, digest.1.bigEndian, digest.2.bigEndian, digest.3.bigEndian)
    }

    static func putHex(_ digest: Digest, _ out: inout ByteWriter) {
        out.putHex(digest.0)
        out.putHex(digest.1)
        out.putHex(digest.2)
        out.putHex(digest.3)
    }

    static func hex(_ digest: Digest) -> String {
        var writer = ByteWriter(capacity: 64)
        putHex(digest, &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

/// A prepared HMAC key; the bytes it was made from are not kept.
final class AuditKey: @unchecked Sendable {
    // Unchecked: written once, then only read.
    let pointer: OpaquePointer

    init?(_ bytes: [UInt8]) {
        guard let pointer = bytes.withUnsafeBytes({ pellucid_hmac_key_create($0.baseAddress, $0.count) }) else { return nil }
        self.pointer = pointer
    }

    deinit { pellucid_hmac_key_destroy(self.pointer) }
}
