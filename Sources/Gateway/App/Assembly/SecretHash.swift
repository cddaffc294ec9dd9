import COpenSSL
import GatewayCore

/// Keyed hash of secrets (HMAC-SHA-256 under a key of this process), so that look-ups neither keep keys in clear nor leak them by time.
final class SecretHash: Sendable {
    // Never freed: it lives as long as the process.
    private nonisolated(unsafe) let key: OpaquePointer?

    init() {
        var bytes = [UInt8](repeating: 0, count: 32)
        for i in bytes.indices { bytes[i] = UInt8.random(in: 0...255) }
        self.key = pellucid_hmac_key_create(bytes, bytes.count)
    }

    func digest(_ secret: UnsafeRawBufferPointer) -> SecretDigest {
        var out: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        guard let key = self.key else { return SecretDigest((.random(in: 0...UInt64.max), 0, 0, 0)) }
        withUnsafeMutableBytes(of: &out) { pellucid_hmac_sha256(key, secret.baseAddress, secret.count, $0.baseAddress?.assumingMemoryBound(to: UInt8.self)) }
        return SecretDigest(out)
    }
}
