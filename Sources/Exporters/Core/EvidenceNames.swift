internal import Telemetry

/// Identifiers of a request as text.
enum EvidenceNames {
    /// 32 hex digits: what `X-Kong-Request-Id` shows.
    static func requestID(_ root: RootEvidence) -> String { hex(root.requestIDHigh, root.requestIDLow) }
    static func traceID(_ root: RootEvidence) -> String { hex(root.traceIDHigh, root.traceIDLow) }

    private static func hex(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            TraceContext.writeHex(high, into: raw, at: 0)
            TraceContext.writeHex(low, into: raw, at: 16)
            return 32
        }
    }
}
