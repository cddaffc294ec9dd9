/// The keyed hash that stands for a prompt or an answer: `hmac-sha256:` and 64 hex digits over the bytes as they were recorded.
public struct PayloadHash: Sendable {
    private let key: AuditKey

    /// Nil where the key cannot be prepared.
    public init?(key: [UInt8]) {
        guard let key = AuditKey(key) else { return nil }
        self.key = key
    }

    public func text(_ bytes: UnsafeRawBufferPointer) -> String { "hmac-sha256:" + AuditChain.hex(AuditChain.hash(bytes, self.key)) }
}
