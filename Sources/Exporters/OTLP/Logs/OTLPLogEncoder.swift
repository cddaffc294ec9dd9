internal import Telemetry

/// Writes finished requests as log records: entries of `ScopeLogs.log_records` (field 2) whose body is the audit line.
///
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
struct OTLPLogEncoder {
    /// `event_name` of a request's record.
    static let requestEvent = "pellucid.request"

    /// - Parameter line: the audit line without its closing brace.
    func encode(_ evidence: RequestEvidence, line: UnsafeRawBufferPointer, now: UInt64, into out: inout ByteWriter) {
        let root = evidence.root
        let record = out.beginMessage(0x12)
        out.putFixed64(0x09, evidence.wall(root.endMonotonic))
        let (number, text) = OTLPLogEncoder.severity(root)
        out.put(0x10)
        out.put(number)
        out.putField(0x1a, "\(text)")
        let body = out.beginMessage(0x2a)
        out.put(0x0a)
        out.putVarint(UInt64(line.count + 1))
        out.put(line)
        out.put(0x7d)
        out.endMessage(body)
        self.attributes(evidence, root, &out)
        if root.isSampled {
            out.put(0x45)
            out.reserve(4)
            out.putUnchecked(raw: UInt32(1).littleEndian)
        }
        out.putIdentifiers(traceTag: 0x4a, root.traceIDHigh, root.traceIDLow, spanTag: 0x52, root.spanID, spanFirst: false)
        out.putFixed64(0x59, now)
        out.putField(0x62, OTLPLogEncoder.requestEvent)
        out.endMessage(record)
    }

    /// `event_name` of a record of the audit chain's head: body `seq:hash`, as `pellucid audit verify --head` takes it.
    static let headEvent = "pellucid.audit.head"

    func encode(_ head: AuditHead, now: UInt64, into out: inout ByteWriter) {
        let record = out.beginMessage(0x12)
        out.putFixed64(0x09, now)
        out.put(0x10)
        out.put(9)
        out.putField(0x1a, "INFO")
        let body = out.beginMessage(0x2a)
        out.putField(0x0a, "\(head.seq):\(head.hash)")
        out.endMessage(body)
        out.putAttribute(0x32, "pellucid.audit.seq", integer: Int64(clamping: head.seq))
        out.putAttribute(0x32, "pellucid.audit.hash", head.hash)
        out.putFixed64(0x59, now)
        out.putField(0x62, OTLPLogEncoder.headEvent)
        out.endMessage(record)
    }

    private func attributes(_ evidence: RequestEvidence, _ root: RootEvidence, _ out: inout ByteWriter) {
        out.putAttribute(0x32, "\(AttributeNames.requestID)", EvidenceNames.requestID(root))
        out.putAttribute(0x32, "\(AttributeNames.outcome)", "\(root.outcome.name)")
        if root.status != 0 { out.putAttribute(0x32, "\(AttributeNames.httpResponseStatusCode)", integer: Int64(root.status)) }
        if !root.errorType.isEmpty { out.putAttribute(0x32, "\(AttributeNames.errorType)", evidence.string(of: root.errorType)) }
        if let route = evidence.route { out.putAttribute(0x32, "\(AttributeNames.route)", route.routeName) }
        if let consumer = evidence.consumer { out.putAttribute(0x32, "\(AttributeNames.consumer)", consumer.name) }
    }

    /// 9 info, 13 warning, 17 error (https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
    private static func severity(_ root: RootEvidence) -> (UInt8, StaticString) {
        switch root.outcome {
        case .failed, .abandoned: (17, "ERROR")
        case .rejected, .cancelled: (13, "WARN")
        case .passed, .modified, .answered: root.status >= 500 ? (17, "ERROR") : (9, "INFO")
        }
    }
}
