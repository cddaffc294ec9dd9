internal import Telemetry

/// Encodes each finished request once for all log sinks of a process, which ask one after the other on the drain thread.
///
/// Confined to that thread: give one cache to the audit stream and to every file log of one ``EvidenceFlow``.
public final class AuditLineCache: @unchecked Sendable {
    // Unchecked: used on the drain thread only.
    private let encoder = AuditLineEncoder()
    private var line = ByteWriter(capacity: 4096)
    private var requestHigh: UInt64 = 0
    private var requestLow: UInt64 = 0
    private var generation: UInt32 = 0

    public init() {}

    /// The JSON object of a request without its closing brace; valid until the next call.
    func line(for evidence: RequestEvidence) -> UnsafeRawBufferPointer {
        let root = evidence.root
        if self.line.count == 0 || root.requestIDHigh != self.requestHigh || root.requestIDLow != self.requestLow || evidence.redactionGeneration != self.generation {
            self.requestHigh = root.requestIDHigh
            self.requestLow = root.requestIDLow
            self.generation = evidence.redactionGeneration
            self.line.removeAll()
            self.line.shrink(to: 65_536)
            self.encoder.encode(evidence, into: &self.line)
        }
        return self.line.bytes
    }
}
