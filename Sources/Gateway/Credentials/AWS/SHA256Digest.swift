import COpenSSL
import NIOCore

/// SHA-256 and HMAC-SHA-256 over libcrypto, as signatures need them.
enum SHA256Digest {
    typealias Bytes = (UInt64, UInt64, UInt64, UInt64)

    static func hash(_ bytes: UnsafeRawBufferPointer) -> Bytes {
        var out: Bytes = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &out) { pellucid_sha256(bytes.baseAddress, bytes.count, $0.baseAddress?.assumingMemoryBound(to: UInt8.self)) }
        return out
    }

    static func hash(_ bytes: ByteBuffer) -> Bytes { bytes.withUnsafeReadableBytes { self.hash($0) } }

    /// Appends the 64 lower-case hexadecimal digits of a digest.
    static func appendHex(_ digest: Bytes, to output: inout [UInt8]) {
        withUnsafeBytes(of: digest) { bytes in
            for byte in bytes {
                output.append(self.digit(byte >> 4))
                output.append(self.digit(byte & 0xF))
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x57 &+ value }
}

/// A prepared key of HMAC-SHA-256 (RFC 2104).
final class HMACKey: @unchecked Sendable {
    // Unchecked: written once; libcrypto copies the state before it continues it.
    private let key: OpaquePointer?

    init(_ bytes: UnsafeRawBufferPointer) { self.key = pellucid_hmac_key_create(bytes.baseAddress, bytes.count) }

    deinit { pellucid_hmac_key_destroy(self.key) }

    /// - Returns: nil when there was no memory for the key.
    func authenticate(_ bytes: UnsafeRawBufferPointer) -> SHA256Digest.Bytes? {
        guard let key else { return nil }
        var out: SHA256Digest.Bytes = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &out) { pellucid_hmac_sha256(key, bytes.baseAddress, bytes.count, $0.baseAddress?.assumingMemoryBound(to: UInt8.self)) }
        return out
    }

    /// The key that this one makes of a text.
    func derive(_ bytes: UnsafeRawBufferPointer) -> HMACKey? {
        self.authenticate(bytes).map { digest in withUnsafeBytes(of: digest) { HMACKey($0) } }
    }
}
