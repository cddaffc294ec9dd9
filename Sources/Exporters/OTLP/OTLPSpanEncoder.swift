package import Telemetry

/// Writes a finished request as OTLP spans, in one pass: the bytes of `ScopeSpans.spans` entries (field 2).
///
/// Byte-identical to what libprotobuf-c packs from the same message: fields by rising number, defaults left out, shortest varints.
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
package final class OTLPSpanEncoder: Sendable {
    let keys = EncodedKeys.shared

    /// Whether the HTTP attributes are written under their former names too.
    let writesFormerHTTP: Bool

    package init(writesFormerHTTP: Bool = Vocabulary.writesFormerHTTP) { self.writesFormerHTTP = writesFormerHTTP }

    static let kindInternal: UInt8 = 1
    static let kindServer: UInt8 = 2
    static let kindClient: UInt8 = 3
    /// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`: the next bit says something.
    static let flagKnowsParent: UInt32 = 0x100
    /// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`: the parent is in another process.
    static let flagRemoteParent: UInt32 = 0x200

    /// Appends one entry per span of the request and returns their number.
    package func encode(_ evidence: RequestEvidence, into out: inout ByteWriter) -> Int { self.encode(EvidenceView(evidence), into: &out) }

    private func encode(_ evidence: EvidenceView, into out: inout ByteWriter) -> Int {
        let root = evidence.root
        self.encodeRoot(root, evidence, into: &out)
        var spans = 1
        let scopes = evidence.scopes
        for scope in scopes {
            let start = self.open(root, spanID: scope.spanID, parent: scope.parentSpanID, evidence, into: &out)
            switch scope.kind {
            case .stage: self.encodeStage(scope, evidence, into: &out)
            case .attempt: self.encodeAttempt(scope, evidence, into: &out)
            case .call: self.encodeCall(scope, evidence, into: &out)
            }
            self.close(start, flags: OTLPSpanEncoder.flagKnowsParent | (root.isSampled ? 1 : 0), into: &out)
            spans += 1
        }
        return spans
    }

    // MARK: The frame of a span

    /// Entry tag, ids and trace state.
    @inline(__always)
    func open(_ root: RootEvidence, spanID: UInt64, parent: UInt64, _ evidence: EvidenceView, into out: inout ByteWriter) -> Int {
        let start = out.beginMessage(0x12)
        out.reserve(40)
        out.putUnchecked(0x0a)
        out.putUnchecked(16)
        out.putUnchecked(raw: root.traceIDHigh.bigEndian)
        out.putUnchecked(raw: root.traceIDLow.bigEndian)
        out.putUnchecked(0x12)
        out.putUnchecked(8)
        out.putUnchecked(raw: spanID.bigEndian)
        if !root.traceState.isEmpty {
            withRepaired(evidence.bytes(of: root.traceState)) { out.putField(0x1a, $0) }
        }
        if parent != 0 {
            out.reserve(10)
            out.putUnchecked(0x22)
            out.putUnchecked(8)
            out.putUnchecked(raw: parent.bigEndian)
        }
        return start
    }

    /// Kind and calendar times, which follow the name.
    @inline(__always)
    func kindAndTimes(_ kind: UInt8, _ start: UInt64, _ end: UInt64, into out: inout ByteWriter) {
        out.reserve(20)
        out.putUnchecked(0x30)
        out.putUnchecked(kind)
        out.putUnchecked(0x39)
        out.putUnchecked(raw: start.littleEndian)
        out.putUnchecked(0x41)
        // A scope that never closed has no end; the end of a span must not lie before its start.
        out.putUnchecked(raw: max(start, end).littleEndian)
    }

    /// `Status { code: ERROR }`, without a message: `error.type` says it in a bounded way.
    @inline(__always)
    func statusError(into out: inout ByteWriter) {
        out.reserve(4)
        out.putUnchecked(0x7a)
        out.putUnchecked(2)
        out.putUnchecked(0x18)
        out.putUnchecked(2)
    }

    @inline(__always)
    func close(_ start: Int, flags: UInt32, into out: inout ByteWriter) {
        out.reserve(6)
        out.putUnchecked(0x85)
        out.putUnchecked(0x01)
        out.putUnchecked(raw: flags.littleEndian)
        out.endMessage(start)
    }

    /// The name of a span: one piece, or two with a space between.
    @inline(__always)
    func name(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, into out: inout ByteWriter) {
        guard TextCheck.isASCII(first), TextCheck.isASCII(second) else {
            let text = String(decoding: first, as: UTF8.self) + (second.isEmpty ? "" : " " + String(decoding: second, as: UTF8.self))
            out.putField(0x2a, text)
            return
        }
        let length = first.count &+ (second.isEmpty ? 0 : second.count &+ 1)
        if length == 0 { return }
        out.reserve(length &+ 11)
        out.putUnchecked(0x2a)
        out.putVarintUnchecked(UInt64(length))
        out.putUnchecked(first)
        if !second.isEmpty {
            out.putUnchecked(0x20)
            out.putUnchecked(second)
        }
    }

    @inline(__always)
    func text(_ key: EncodedKey, _ text: EvidenceText, _ evidence: EvidenceView, into out: inout ByteWriter) {
        if text.isEmpty { return }
        out.attribute(key, evidence.bytes(of: text))
    }

    /// `error.type` of an answer that has only a status.
    func errorType(status: UInt16, into out: inout ByteWriter) {
        var digits: (UInt8, UInt8, UInt8) = (0x30 + UInt8(status / 100 % 10), 0x30 + UInt8(status / 10 % 10), 0x30 + UInt8(status % 10))
        withUnsafeBytes(of: &digits) { out.attribute(self.keys.errorType, $0) }
    }
}
